"""What `/metrics` says, in the words of Prometheus: every number there is, read when
it is asked for. No name, address, text or id of anybody is a label.
"""

import asyncio
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import prometheus_async
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    Summary,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from campfire import __version__
from campfire.archive import Archive
from campfire.chat import jobs
from campfire.chat.jobs import Backlog
from campfire.database import Database, Fault
from campfire.histograms import Histogram
from campfire.live.hub import Hub
from campfire.nights import Nights
from campfire.web.kept import Kept
from campfire.web.metrics import Traffic

if TYPE_CHECKING:
    from campfire.live.relay import Relay

L = TypeVar("L", bound=tuple[str, ...])

PATIENCE: Final = 2.0


class Numbers:
    """Looks at the parts, and changes none."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        traffic: Traffic,
        nights: Nights | None,
        kept: dict[str, Kept[Any, Any]],
        archive: Archive | None = None,
    ) -> None:
        self._db = db
        self._hub = hub
        self._traffic = traffic
        self._nights = nights
        self._kept = kept
        # Set where there are several workers: each is asked by who is asked.
        self.relay: "Relay | None" = None
        self._archive = archive
        self._backlogs: list[Backlog] = []
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        self._looks = Summary(
            "campfire_scrape_seconds", "To read all this.", registry=self._registry
        )

    async def text(self) -> tuple[bytes, str]:
        """Everything, and its content type; without the jobs when nobody can look."""
        text = await self.own_text()
        if self.relay:
            texts = await self.relay.ask() | {self.relay.number: text}
            text = generate_latest(Together(texts))
        return text, CONTENT_TYPE_LATEST

    async def own_text(self) -> bytes:
        """That of this process."""
        return await prometheus_async.aio.time(self._looks, self._text())

    async def _text(self) -> bytes:
        try:
            looking = self._db.read(jobs.backlogs)
            self._backlogs = await asyncio.wait_for(looking, PATIENCE)
        except (TimeoutError, Fault):
            self._backlogs = []
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        yield labelled("campfire_info", "The version.", {(__version__,): 1}, "version")
        yield from self._requests()
        yield from self._database()
        yield from self._sockets()
        yield from self._jobs()
        yield from self._caches()
        yield from self._disk()
        yield from self._process()

    def _requests(self) -> Iterator[Metric]:
        answers = CounterMetricFamily(
            "campfire_requests",
            "Answers by method, route and status.",
            labels=("method", "route", "status"),
        )
        for (method, route, status), count in self._traffic.answers().items():
            answers.add_metric((method, route, str(status)), count)
        yield answers
        yield histograms(
            "campfire_request_seconds",
            "From the head of a request to its answer, by the noun asked for.",
            self._traffic.times(),
            "noun",
        )

    def _database(self) -> Iterator[Metric]:
        db = self._db
        yield gauge("campfire_writer_queue", "Changes that wait.", db.waiting)
        yield histograms("campfire_batch_changes", "Changes in a commit.", db.batches)
        yield histograms("campfire_commit_seconds", "From begin to disk.", db.commits)
        yield histograms("campfire_reader_wait_seconds", "For a reader.", db.waits)
        yield gauge("campfire_wal_bytes", "The write-ahead log.", db.wal_bytes())
        size = db.path.stat().st_size
        yield gauge("campfire_database_bytes", "The database file.", size)

    def _sockets(self) -> Iterator[Metric]:
        hub = self._hub
        yield gauge("campfire_sockets", "Open sockets.", len(hub.sockets()))
        about = "Sockets let go because they took nothing."
        yield CounterMetricFamily("campfire_outbox_drops", about, hub.drops)
        if self.relay:
            is_up = self.relay.broker.is_up
            yield gauge("campfire_broker_up", "1 while the others are heard.", is_up)
            about = "Looks into the database for what was not heard of in time."
            count = self.relay.catch_ups
            yield CounterMetricFamily("campfire_catch_ups", about, count)

    def _jobs(self) -> Iterator[Metric]:
        labels = ("kind", "state")
        counts = {(each.kind, each.state): each.count for each in self._backlogs}
        yield labelled("campfire_jobs", "Jobs there are.", counts, *labels)
        now = time.time()
        ages = {
            (each.kind, each.state): max(0.0, now - each.oldest / 1000)
            for each in self._backlogs
        }
        about = "Since the oldest of them was asked for."
        yield labelled("campfire_jobs_oldest_seconds", about, ages, *labels)

    def _caches(self) -> Iterator[Metric]:
        looked = CounterMetricFamily(
            "campfire_cache_lookups", "By what came of it.", labels=("cache", "result")
        )
        for name, kept in self._kept.items():
            looked.add_metric((name, "hit"), kept.hits)
            looked.add_metric((name, "miss"), kept.misses)
        yield looked

    def _disk(self) -> Iterator[Metric]:
        disk = os.statvfs(self._db.path.parent)
        free = disk.f_bavail * disk.f_frsize
        yield gauge("campfire_disk_free_bytes", "Where the data lies.", free)
        size = disk.f_blocks * disk.f_frsize
        yield gauge("campfire_disk_bytes", "Where the data lies.", size)
        if self._nights:
            made = self._nights.last_made()
            about = "When the newest nightly backup was made; 0 for never."
            yield gauge("campfire_backup_timestamp_seconds", about, made)
            about = "1 when the last nightly backup failed."
            failed = self._nights.fault is not None
            yield gauge("campfire_backup_failed", about, failed)
        if self._archive:
            reached = self._archive.reached / 1000
            about = "Until when the archive has everything."
            yield gauge("campfire_archive_timestamp_seconds", about, reached)
            about = "1 while nothing can be archived."
            failed = self._archive.fault is not None
            yield gauge("campfire_archive_failed", about, failed)

    def _process(self) -> Iterator[Metric]:
        tasks = len(asyncio.all_tasks())
        yield gauge("campfire_tasks", "Tasks of the event loop.", tasks)
        threads = threading.active_count()
        yield gauge("campfire_threads", "Threads.", threads)


@dataclass(frozen=True)
class Together:
    """What each worker says, with its number as label; each name once."""

    texts: Mapping[int, bytes]

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for worker, text in sorted(self.texts.items()):
            for said in text_string_to_metric_families(text.decode()):
                family = families.setdefault(
                    said.name, Metric(said.name, said.documentation, said.type)
                )
                for sample in said.samples:
                    labels = sample.labels | {"worker": str(worker)}
                    family.samples.append(sample._replace(labels=labels))
        yield from families.values()


def gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value)


def labelled(name: str, about: str, values: Mapping[L, float], *labels: str) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for given, value in values.items():
        family.add_metric(given, value)
    return family


def histograms(
    name: str, about: str, values: dict[str, Histogram] | Histogram, *labels: str
) -> Metric:
    family = HistogramMetricFamily(name, about, labels=labels)
    each: Iterable[tuple[tuple[str, ...], Histogram]] = (
        [((), values)]
        if isinstance(values, Histogram)
        else [((label,), histogram) for label, histogram in values.items()]
    )
    for given, histogram in each:
        family.add_metric(given, histogram.buckets(), histogram.total)
    return family
