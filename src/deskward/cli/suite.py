"""`deskward suite`: list, check and run suites of tests, and say where tests may go."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.operated import Key, called, called_with, run_operated
from deskward.cli.session import (
    Json,
    Operator,
    Tenant,
    print_json,
    read_settings,
)

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.diagnostics.suites.suite import Suite
    from deskward.security.principals import Principal

suite = App(name="suite", help="List, check and run suites of tests, and say where tests may go.")

Out = Annotated[Path | None, Parameter(help="A file that it is written into; it is written anew.")]


@suite.command(name="list")
def list_(*, as_json: Json = False) -> None:
    """List the suites that there are, with their tests and what each has to be told.

    Example: `deskward suite list`
    """
    from deskward.diagnostics.suites.filling import wanted_places

    known = _known()
    if as_json:
        print_json([one.model_dump(mode="json", by_alias=True) for one in known.values()])
        return
    for one in known.values():
        print(f"{one.suite:16} {one.title}, version {one.version}")
        for test in one.tests:
            needs = ", ".join(wanted_places(test)) or "nothing"
            print(f"  {f'{one.suite}.{test.id}':24} {test.title} ({test.kind})")
            print(f"  {'':24} needs {needs}")


@suite.command
def check(
    *places: Annotated[
        Path, Parameter(help="Files, or folders of them. Default: those that ship, and SUITES_DIR.")
    ],
) -> None:
    """See that suites can be run. Exit code 1: one cannot.

    Each problem is told with its file and line. Secrets are looked for in SUITE_SECRETS_FILE; where
    that is not set, a test that names one is told of, and the suite is sound all the same.

    Example: `deskward suite check my-suites`
    """
    from deskward.diagnostics.suites.loading import read_suites
    from deskward.integrations.checks.secrets import named_in

    file = read_settings().diagnostics.suite_secrets_file
    try:
        secrets = None if file is None else named_in(file)
        found, problems = read_suites(*(places or _places()), secrets=secrets)
    except (FileNotFoundError, ValueError) as error:
        raise Misused(str(error)) from None
    for problem in problems:
        print(problem)
    for name, secret in _named(found.values()) if secrets is None else ():
        print(f"note: {name} names the secret {secret}, and SUITE_SECRETS_FILE is not set.")
    told = f"{len(problems)} problems." if problems else "sound."
    print(f"{len(found)} suites: {told}")
    sys.exit(1 if problems or not found else 0)


@suite.command(name="run")
def run_(
    name: Annotated[str, Parameter(help="The suite; `suite.test` for one test of it.")],
    /,
    *,
    environment: Annotated[
        tuple[str, ...],
        Parameter(name="--environment", help="What a test is told, as `host=api.example.com`."),
    ] = (),
    configuration: Annotated[
        Path | None, Parameter(help="A file with the product's configuration, JSON or YAML.")
    ] = None,
    customer: Annotated[
        str | None, Parameter(help="Whose environment it is: the run goes when they are erased.")
    ] = None,
    junit: Out = None,
    html: Out = None,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Run a suite's tests where they may go, and show what each saw.

    Exit code 1: a test did not pass.

    Example: `deskward suite run network --environment host=api.example.com --junit report.xml`
    """
    arguments = {
        "test_suite": name,
        "customer_environment": _facts(environment),
        "product_configuration": _read(configuration) if configuration is not None else {},
        **({"customer_id": customer} if customer is not None else {}),
    }

    async def work(desk: Desk, caller: Principal) -> int:
        from deskward.diagnostics.suites.report import TestReport, written

        report = TestReport.model_validate(
            await called_with(desk, caller, "run_diagnostic_tests", arguments, _told)
        )
        if junit is not None:
            junit.write_text(written(report, "junit"), "utf-8")
        if html is not None:
            html.write_text(written(report, "html"), "utf-8")
        if as_json:
            print(written(report, "json"), end="")
        else:
            _print(report.model_dump())
        return 0 if report.passed else 1

    run_operated(work, key, tenant, as_, "support-3", "operator")


@suite.command
def allow(
    target: Annotated[
        str,
        Parameter(help="A host, `.example.com` for each host of a domain, or a network."),
    ],
    /,
    *,
    ports: Annotated[
        tuple[int, ...], Parameter(name="--port", help="Only this port; several times for several.")
    ] = (),
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Let tests go to a host or a network.

    What is not public is reached only where its network is named: `127.0.0.1`, `10.1.0.0/16`.

    Example: `deskward suite allow api.example.com --port 443`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        done = await called(desk, caller, "allow_test_target", target=target, ports=list(ports))
        print(done["message"])
        return 0

    run_operated(work, key, tenant, as_, "support-3", "operator")


@suite.command
def targets(
    *, as_: Operator = None, key: Key = None, tenant: Tenant = None, as_json: Json = False
) -> None:
    """List where tests may go.

    Example: `deskward suite targets`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        found = await called(desk, caller, "list_test_targets")
        if as_json:
            print_json(found)
            return 0
        for one in found["targets"]:
            ports = ", ".join(map(str, one["ports"])) or "all ports"
            print(f"{one['target_id']}  {one['target']}  {ports}, by {one['added_by']}")
        if not found["targets"]:
            print("Nowhere. `deskward suite allow api.example.com` adds a target.")
        return 0

    run_operated(work, key, tenant, as_, "support-3", "operator")


@suite.command
def forbid(
    target: Annotated[str, Parameter(help="The target, or its id.")],
    /,
    *,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Let tests go somewhere no longer.

    Example: `deskward suite forbid api.example.com`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        known = (await called(desk, caller, "list_test_targets"))["targets"]
        found = [one["target_id"] for one in known if target in (one["target"], one["target_id"])]
        if not found:
            raise Misused(f"{target} is no target; see `deskward suite targets`")
        done = await called(desk, caller, "remove_test_target", target_id=found[0])
        print(done["message"])
        return 0

    run_operated(work, key, tenant, as_, "support-3", "operator")


def _told(done: float, total: float | None, title: str) -> None:
    if sys.stderr.isatty():
        print(f"{done:g} of {total or 0:g}: {title}", file=sys.stderr)


def _print(report: Mapping[str, Any]) -> None:
    from deskward.core.characters import printable

    for one in report["results"]:
        print(f"{one['outcome'].upper():8} {one['test']}: {one['title']}")
        print(printable(f"         {one['told']}"))
        for part in one["expected"]:
            if not part["held"]:
                print(f"         expected: {part['that']}")
        if one["hint"]:
            print(f"         {one['hint']}")
    counts = ", ".join(f"{count} {name}" for name, count in report["counts"].items() if count)
    print(f"{report['suite']}: {counts}, in {report['seconds']:.1f} s. Run {report['run_id']}.")


def _facts(told: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in told:
        name, equals, value = one.partition("=")
        if not name or not equals:
            raise Misused(f"say {one} as name=value")
        found[name] = value
    return found


def _read(file: Path) -> Any:
    import yaml

    try:
        text = file.read_text("utf-8")
        found = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Misused(f"{file} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise Misused(f"{file} holds no names and values")
    return found


def _places() -> tuple[Path, ...]:
    from deskward.diagnostics.suites.loading import SHIPPED

    own = read_settings().diagnostics.suites_dir
    return (SHIPPED, own) if own is not None else (SHIPPED,)


def _named(suites: Iterable[Suite]) -> list[tuple[str, str]]:
    """Tests that name a secret, as `suite.test`, each with it."""
    tests = [(f"{suite.suite}.{test.id}", test) for suite in suites for test in suite.tests]
    return [(name, test.secret) for name, test in tests if test.kind == "database" and test.secret]


def _known() -> Mapping[str, Suite]:
    from deskward.diagnostics.loading import WrongWorkflows
    from deskward.diagnostics.suites.loading import load

    try:
        return load(*_places())
    except WrongWorkflows as error:
        raise Misused(str(error)) from None
