"""What a workflow is: causes, and fragments of steps that lead to one of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from deskward.diagnostics.answers import Answer, YesNo

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
"""What steps and causes are called: also a name in conditions."""
Text = Annotated[str, Field(min_length=1, max_length=2_000)]
Line = Annotated[str, Field(min_length=1, max_length=200)]
Kind = Literal["check", "execute", "verify", "ask"]
"""`check`: look whether something is so. `execute`: do something. `verify`: see whether it helped.
`ask`: a question whose answer leads on."""
Difficulty = Literal["easy", "medium", "hard"]
MOST_VISITS = 10
ENDS = ("go", "cause", "escalate", "done", "solved")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Branch(_Part):
    """Where a step leads.

    Attributes:
        when: CEL over the answers so far, by their steps' names, and `environment`, `customer`,
            `product` and `version`; None for always.
        go: To that step of the same fragment.
        cause: To the end: that is the cause, if evidence supports it.
        escalate: To the end: a specialist of that type has to look.
        done: To the next fragment; at the last one's end, to a specialist.
        solved: To the end: what was done has helped, whatever it was.
    """

    when: str | None = None
    go: Name | None = None
    cause: Name | None = None
    escalate: Name | None = None
    done: Literal[True] | None = None
    solved: Literal[True] | None = None

    @model_validator(mode="after")
    def _leads_to_one_place(self) -> Branch:
        if sum(getattr(self, name) is not None for name in ENDS) != 1:
            raise ValueError(f"a branch leads to exactly one of {', '.join(ENDS)}")
        return self

    @property
    def target(self) -> str:
        """Where it leads: a step's id, `cause NAME`, `escalate TYPE`, `solved` or `next part`."""
        if self.go is not None:
            return self.go
        if self.cause is not None:
            return f"cause {self.cause}"
        if self.escalate is not None:
            return f"escalate {self.escalate}"
        return "solved" if self.solved else "next part"


class Finding(_Part):
    """What an answer says about causes.

    Attributes:
        when: The condition under which it does.
        supports: The causes that it speaks for.
        rules_out: The causes that it speaks against.
    """

    when: str
    supports: tuple[Name, ...] = ()
    rules_out: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Finding:
        if not self.supports and not self.rules_out:
            raise ValueError("a finding supports a cause or rules one out")
        return self


class Reading(_Part):
    """How a test's result is read as an answer.

    Attributes:
        by: Who has looked: the desk, or a program on the customer's own machine. What one of them
            sees says nothing of what the other would.
        when: CEL over `passed`, `seen` and `environment`.
        answer: The answer then.
        seen: Or what was seen that is the answer, by its name.
    """

    by: Literal["desk", "collector"] = "desk"

    when: str
    answer: StrictBool | StrictInt | StrictFloat | StrictStr | None = None
    seen: Name | None = None

    @model_validator(mode="after")
    def _says_one(self) -> Reading:
        if (self.answer is None) == (self.seen is None):
            raise ValueError("a reading says an `answer`, or what is `seen` that is one")
        return self


class Step(_Part):
    """One thing to look at, to do, or to ask.

    Attributes:
        description: What it is about, in a line.
        instructions: What to do, for whoever does it.
        expected: What is seen where all is well.
        failure_actions: What to do where it cannot be done.
        answer: The form of the answer.
        test: The test that can answer it by itself, `suite.test`, where there is one.
        reads: How the test's result is read, the first that holds; where none does the test leaves
            the answer open. Without any, a step of yes or no is answered by whether it passed.
        minutes: How long it takes.
        permissions: What whoever does it must be allowed.
        visits: How often it may be come to; a branch that comes once more counts as `done`.
    """

    id: Name
    kind: Kind
    description: Line
    instructions: Text
    expected: Text
    failure_actions: tuple[Line, ...] = ()
    answer: Answer = Field(default_factory=YesNo)
    test: str | None = Field(None, pattern=r"^[a-z][a-z0-9_-]*\.[a-z][a-z0-9_-]*$")
    reads: tuple[Reading, ...] = Field((), max_length=20)
    minutes: int = Field(ge=1, le=240)
    permissions: tuple[Name, ...] = ()
    visits: int = Field(1, ge=1, le=MOST_VISITS)
    findings: tuple[Finding, ...] = ()
    next: tuple[Branch, ...] = Field(min_length=1, max_length=20)

    @property
    def conditions(self) -> list[str]:
        """The conditions of its findings and branches."""
        found = [one.when for one in self.findings]
        return found + [one.when for one in self.next if one.when is not None]


class Fragment(_Part):
    """Steps that belong together, and the circumstances in which they make sense.

    Attributes:
        applies: CEL over `product`, `version`, `environment` and `customer`; None for always.
        when: CEL over the answers so far, too: it is passed over where that does not hold.
        include: The fragment of another workflow that stands here, `workflow/fragment`, instead of
            steps of its own.
    """

    id: Name
    title: Line
    applies: str | None = None
    when: str | None = None
    steps: tuple[Step, ...] = Field((), max_length=100)
    include: str | None = Field(None, pattern=r"^[a-z][a-z0-9-]*/[a-z][a-z0-9_]*$")

    @model_validator(mode="after")
    def _has_steps(self) -> Fragment:
        if bool(self.steps) == bool(self.include):
            raise ValueError("a fragment has steps of its own, or includes another one")
        return self


class Cause(_Part):
    """What may be wrong.

    Attributes:
        title: The cause in a line.
        explanation: How it makes what is seen.
        fix: What to do about it.
    """

    title: Line
    explanation: Text
    fix: Text


class Case(_Part):
    """A walk that must come out as it says.

    Attributes:
        answers: Step → what is answered; those of steps come to again are lists.
        ends: `cause NAME`, `escalate TYPE` or `solved`.
    """

    product: str = ""
    version: str = ""
    environment: dict[str, str | int | float | bool] = Field(default_factory=dict)
    customer: dict[str, str | int | float | bool] = Field(default_factory=dict)
    answers: dict[Name, object]
    ends: str


class Workflow(_Part):
    """A file of a workflow.

    Attributes:
        workflow: Its id.
        version: Is raised with each change that matters.
        category: What kind of issue it is for.
        words: Words of an issue's description that speak for this workflow, where nothing knows
            what sentences mean.
        examples: Language → issues as customers tell them, by whose meaning it is found.
        products: The products that it is for; none for all.
        specialist: Whose it is where nothing was found.
    """

    workflow: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=64)]
    version: int = Field(ge=1)
    title: Line
    category: Name
    words: tuple[str, ...] = ()
    examples: dict[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], tuple[Line, ...]] = {}
    products: tuple[str, ...] = ()
    difficulty: Difficulty = "medium"
    specialist: Name
    causes: dict[Name, Cause]
    fragments: tuple[Fragment, ...] = Field(min_length=1, max_length=50)
    cases: tuple[Case, ...] = ()
