"""FHIR resources that are wrong in every way JSON and FHIR allow, sent to the door with a good token."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.bench.hostility.attack import Answer, Attack, Doors, Ending, Maker
from tests.bench.hostility.bytes_mutants import ANY

Json = dict[str, Any]
_ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, "", " ", "\0", "A" * 5000, [], {}, [[]], {"a": {"b": {}}}, [None], "../../etc",
    "\ud800", "1e400", {"resourceType": "Patient"}, 10**400,
)  # fmt: skip


def real_resources(folder: Path) -> list[Json]:
    """Return the real resources of a folder."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def maker(seeds: list[Json]) -> Maker:
    """Every kind in turn, on any of the seeds."""

    def make(chance: random.Random, number: int) -> Attack:
        kind = _KINDS[number % len(_KINDS)]
        seed = copy.deepcopy(chance.choice(seeds))
        seed["id"] = f"hostile-{number}"
        path = str(seed["resourceType"]) if kind not in _BUNDLES else ""
        body = kind(chance, seed)
        return Attack("fhir", kind.__name__.strip("_"), lambda doors: post(doors, path, body))

    return make


def post(doors: Doors, path: str, body: bytes, **headers: str) -> Answer:
    """POST a body; classify the answer."""
    url = f"http://127.0.0.1:{doors.http_port}/fhir" + (f"/{path}" if path else "")
    sent = {"Authorization": f"Bearer {doors.token}", "Content-Type": "application/fhir+json"} | headers
    try:
        answer = httpx.post(url, content=body, headers=sent, timeout=doors.patience_s, trust_env=False)
    except httpx.TimeoutException:
        return Answer(Ending.SILENT)
    except httpx.HTTPError as error:
        return Answer(Ending.SILENT, type(error).__name__)
    return classified(answer)


def classified(answer: httpx.Response) -> Answer:
    """A refusal needs an OperationOutcome; a 500 is a crash that was caught: no reason."""
    if answer.status_code < 400:
        return Answer(Ending.TAKEN, str(answer.status_code))
    if answer.status_code == 500 or "OperationOutcome" not in answer.text:
        return Answer(Ending.SILENT, f"{answer.status_code} without a reason")
    return Answer(Ending.REFUSED, str(answer.status_code))


def _text(resource: Any) -> bytes:
    return json.dumps(resource).encode("utf-8", "surrogatepass")


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container with every key in it."""
    keys = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in list(keys):
        yield node, key
        yield from _places(node[key])


def _wrong_type(chance: random.Random, seed: Json) -> bytes:
    container, key = chance.choice([place for place in _places(seed) if place[1] not in ("id", "resourceType")])
    container[key] = chance.choice(_ODD_VALUES)
    return _text(seed)


def _missing(chance: random.Random, seed: Json) -> bytes:
    container, key = chance.choice([place for place in _places(seed) if place[1] != "id"])
    del container[key]
    return _text(seed)


def _broken(chance: random.Random, seed: Json) -> bytes:
    return chance.choice(ANY)(chance, _text(seed))


def _too_deep(chance: random.Random, seed: Json) -> bytes:
    depth = chance.choice((65, 200, 2000, 100_000))
    opening, closing = chance.choice(((b'{"extension":[', b"]}"), (b"[", b"]"), (b'{"a":', b"}")))
    inner = opening * depth + b"1" + closing * depth
    return _text(seed)[:-1] + b',"extension":' + inner + b"}"


def _never_closed(chance: random.Random, seed: Json) -> bytes:
    return b'{"resourceType":"Observation","extension":' + b"[" * chance.choice((100, 100_000, 1_000_000))


def _duplicate_keys(chance: random.Random, seed: Json) -> bytes:
    key = chance.choice(("status", "subject", "resourceType", "id", "code", "valueCodeableConcept"))
    value = chance.choice(('"entered-in-error"', '{"reference":"Patient/other"}', '"Patient"', "null"))
    return _text(seed)[:-1] + f',"{key}":{value}}}'.encode()


def _long_string(chance: random.Random, seed: Json) -> bytes:
    seed["note"] = [{"text": "A" * chance.choice((100_000, 4_000_000, 10_000_000))}]
    return _text(seed)


def _odd_number(chance: random.Random, seed: Json) -> bytes:
    number = chance.choice(
        (
            b"1e400",
            b"-1e400",
            b"NaN",
            b"Infinity",
            b"-0",
            b"1" * 5000,
            b"0.1e-99999",
            b"01",
            b"1.",
            b"0x10",
            b"1e9999999",
        )
    )
    value = b'{"value":' + number + b',"unit":"mm","system":"http://unitsofmeasure.org","code":"mm"}'
    seed.pop("valueCodeableConcept", None)
    return _text(seed)[:-1] + b',"valueQuantity":' + value + b"}"


def _loop(chance: random.Random, seed: Json) -> bytes:
    me = f"{seed['resourceType']}/{seed['id']}"
    seed[chance.choice(("focus", "hasMember", "derivedFrom", "partOf", "subject"))] = [{"reference": me}]
    return _text(seed)


def _patient_that_links_to_itself(chance: random.Random, seed: Json) -> bytes:
    link = {"other": {"reference": f"Patient/{seed['id']}"}, "type": chance.choice(("replaced-by", "seealso"))}
    return _text({"resourceType": seed["resourceType"], "id": seed["id"], "link": [link]})


def _contains_itself(chance: random.Random, seed: Json) -> bytes:
    inner = copy.deepcopy(seed)
    for _ in range(chance.choice((1, 5, 30))):
        inner = {**copy.deepcopy(seed), "contained": [inner], "subject": {"reference": "#" + str(inner["id"])}}
    return _text(inner)


def _strange_text(chance: random.Random, seed: Json) -> bytes:
    text = _text(seed)
    ways = (
        b"\xef\xbb\xbf" + text, text.decode().encode("utf-16"), text.decode().encode("utf-32"), text + b"\0",
        text + text, b"\xc0\xaf" + text,
        text.replace(b'"', b"'"), b"// comment\n" + text, b"", b"null", b"[]", b'"Patient"', b"0",
        text.replace(b":", b": \x0b"), text.replace(b"e", b"\\ud800", 1), text.replace(b"a", b"\\u0000", 3),
    )  # fmt: skip
    return chance.choice(ways)


def _path_in_id(chance: random.Random, seed: Json) -> bytes:
    seed["id"] = chance.choice(("../../x", "a/b", "a\0b", "a b", "", "x" * 65, "%2e%2e", "..", "\u202ea", 7))
    return _text(seed)


def _bundle_in_loops(chance: random.Random, seed: Json) -> bytes:
    a, b = {**seed, "id": f"{seed['id']}a"}, {**seed, "id": f"{seed['id']}b"}
    a["focus"], b["focus"] = [{"reference": "urn:uuid:b"}], [{"reference": "urn:uuid:a"}]
    rows = [
        {
            "fullUrl": f"urn:uuid:{name}",
            "resource": row,
            "request": {"method": "POST", "url": str(seed["resourceType"])},
        }
        for name, row in (("a", a), ("b", b))
    ]
    return _text(
        {"resourceType": "Bundle", "type": chance.choice(("transaction", "batch", "message", 7)), "entry": rows}
    )


def _bundle_with_thousands(chance: random.Random, seed: Json) -> bytes:
    row = {"resource": {"resourceType": "Basic"}, "request": {"method": "POST", "url": "Basic"}}
    return _text({"resourceType": "Bundle", "type": "batch", "entry": [row] * chance.choice((1001, 20_000))})


def _bundle_in_bundle(chance: random.Random, seed: Json) -> bytes:
    inner: Json = {"resourceType": "Bundle", "type": "batch", "entry": []}
    for _ in range(chance.choice((2, 15, 60))):
        inner = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": inner}]}
    return _text(inner)


Kind = Callable[[random.Random, Json], bytes]
_BUNDLES: tuple[Kind, ...] = (_bundle_in_loops, _bundle_with_thousands, _bundle_in_bundle)
_KINDS: tuple[Kind, ...] = (
    _wrong_type, _missing, _broken, _too_deep, _wrong_type, _duplicate_keys, _missing, _odd_number, _broken, _loop,
    _contains_itself, _strange_text, _path_in_id, _wrong_type, _patient_that_links_to_itself, _long_string,
    _never_closed, *_BUNDLES,
)  # fmt: skip
