"""What was written for Slack, as it comes out here."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campfire.chat import richtext, slack
from campfire.refusals import Invalid

NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            [
                *("text", "type", "elements", "fields", "blocks", "attachments"),
                *("title", "value", "url", "style", "fallback"),
            ]
        ),
        inner | st.sampled_from(["section", "rich_text", "header", "rich_text_list"]),
        max_size=4,
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "*Build* _419_ is ~up~",
            "<strong>Build</strong> <em>419</em> is <del>up</del>",
        ),
        ("2*3*4 and snake_case_name", "2*3*4 and snake_case_name"),
        ("<https://a.example/?x=1&amp;y=2|the page>",)
        + ('<a href="https://a.example/?x=1&amp;y=2">the page</a>',),
        ("<https://a.example/>", '<a href="https://a.example/">https://a.example/</a>'),
        ("`*not*` &lt;b&gt;", "<code>*not*</code> &lt;b&gt;"),
        ("```a *b*\nc```", "<pre>a *b*\nc</pre>"),
        ("<!here> <@U1|kevin> one\ntwo", "@here @kevin one<br>two"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ],
)
def test_marks_become_html(text: str, html: str) -> None:
    assert slack.html({"text": text}) == f"<p>{html}</p>"


def test_blocks_are_read_in_place_of_the_text() -> None:
    said: dict[str, Any] = {
        "text": "fallback",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "Deployed"}},
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": "*1.2*"},
                "fields": [{"type": "mrkdwn", "text": "by _Kevin_"}],
            },
            {"type": "divider"},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "late"}]},
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "text", "text": "b", "style": {"bold": True}},
                            {"type": "link", "url": "https://a.example/"},
                        ],
                    }
                ],
            },
            {"type": "actions", "elements": [{"type": "button"}]},
        ],
    }
    assert slack.html(said).split("\n") == [
        "<h3>Deployed</h3>",
        "<p><strong>1.2</strong></p>",
        "<p>by <em>Kevin</em></p>",
        "<hr>",
        "<p>late</p>",
        '<p><strong>b</strong><a href="https://a.example/">https://a.example/</a></p>',
    ]


def test_attachments_follow_the_text() -> None:
    said = {
        "text": "Look",
        "attachments": [
            {
                "fallback": "not this",
                "title": "Report",
                "title_link": "https://a.example/",
                "text": "All *well*",
                "fields": [{"title": "State", "value": "green"}],
            },
            {"fallback": "only this"},
        ],
    }
    assert slack.html(said).split("\n") == [
        "<p>Look</p>",
        '<p><strong><a href="https://a.example/">Report</a></strong></p>',
        "<p>All <strong>well</strong></p>",
        "<p><strong>State</strong> green</p>",
        "<p>only this</p>",
    ]


@given(NESTED, NESTED, NESTED)
def test_whatever_comes_is_a_message_or_nothing(
    text: Any, blocks: Any, attachments: Any
) -> None:
    made = slack.html({"text": text, "blocks": blocks, "attachments": attachments})
    try:
        draft = richtext.draft(made, is_bot=True)
    except Invalid:
        return
    assert "<script" not in draft.html
