"""Names of certificates, and a table of rights that leaves nobody out and lets nobody in by accident."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from grpc_health.v1 import health_pb2

import shared.rpc.gen.oncorelay as generated
from shared.domain.errors import ForbiddenError
from shared.security.parties import Party, Role
from shared.security.rights import RIGHTS, check
from shared.security.tls_folder import SERVICES

RETRY = "/oncorelay.results.v1.ResultsService/RetryCase"
CLAIM = "/oncorelay.results.v1.ResultsService/ClaimAttempt"


def methods() -> set[str]:
    """Return every RPC of every proto of ours, and of the health service."""
    found = pkgutil.walk_packages(generated.__path__, f"{generated.__name__}.")
    modules = [importlib.import_module(one.name) for one in found if one.name.endswith("_pb2")]
    assert len(modules) >= 3
    return {
        f"/{service.full_name}/{method.name}"
        for module in (*modules, health_pb2)
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


def test_every_rpc_has_a_row_and_every_row_an_rpc() -> None:
    missing = methods() - set(RIGHTS)
    gone = set(RIGHTS) - methods()

    assert not missing, f"say who may call {sorted(missing)}: add a row to RIGHTS in shared/security/rights.py"
    assert not gone, f"no such RPC: remove {sorted(gone)} from RIGHTS in shared/security/rights.py"


def test_every_row_names_services_that_get_a_certificate() -> None:
    assert {name for right in RIGHTS.values() for name in right.services} <= set(SERVICES)


def test_what_writes_is_for_no_reader_and_what_workers_do_is_for_no_person() -> None:
    for method, right in RIGHTS.items():
        name = method.rsplit("/", 1)[-1]
        if not name.startswith(("List", "Get", "Explain")) and not right.everybody:
            assert not right.allows(Party("jane", Role.READER)), method
    assert not RIGHTS[CLAIM].allows(Party("root", Role.ADMINISTRATOR))


@pytest.mark.parametrize(("role", "allowed"), [(Role.READER, False), (Role.OPERATOR, True), (Role.ADMINISTRATOR, True)])
def test_a_role_may_all_that_smaller_roles_may(role: Role, *, allowed: bool) -> None:
    assert RIGHTS[RETRY].allows(Party("jane", role)) is allowed


def test_an_rpc_outside_the_table_is_for_nobody() -> None:
    with pytest.raises(ForbiddenError, match="RIGHTS"):
        check("/oncorelay.results.v1.ResultsService/NewOne", Party("root", Role.ADMINISTRATOR))


def test_a_name_survives_its_certificate() -> None:
    for party in (Party("results"), Party("jane.doe", Role.OPERATOR)):
        assert Party.from_uri(party.uri) == party


@pytest.mark.parametrize(
    "uri", ["oncorelay:service:", "oncorelay:service:a/b", "oncorelay:role:king:jane", "oncorelay:role:reader:",
            "https://example.org/jane", "oncorelay:role:reader:a\nb"],
)  # fmt: skip
def test_a_name_that_is_none_of_ours_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match=r"name|role"):
        Party.from_uri(uri)
