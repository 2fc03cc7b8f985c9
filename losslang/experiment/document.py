"""What an experiment file may say: types, defaults and bounds, in one place, without torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Experiment", "Range", "Search", "Value", "Variant"]

Value = int | float | str | bool
Count = Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Variant(_Section):
    """One of the methods that are compared."""

    method: str = Field(description="a method that ships, or a file, from the folder of the experiment on")
    set: dict[str, Any] = Field(default_factory=dict, description="settings and parameters of this one alone")


class Range(_Section):
    """`count` values from `from` to `to`, both among them."""

    start: float = Field(alias="from", description="the first value")
    end: float = Field(alias="to", description="the last value")
    count: Count = Field(default=5, description="how many values")
    scale: Literal["linear", "log"] = Field(default="linear", description="log: equal ratios, for positive values")


class Search(_Section):
    """Trials that an optimiser (Optuna) chooses from the sweep's lists and ranges, instead of all combinations."""

    trials: Count = Field(default=20, description="combinations that are tried, per method and data set")
    at_once: Count = Field(default=4, description="trials that are trained together, chosen without knowing each other")
    goal: str = Field(default="knn", description="the measurement of result.json that is optimised, mean over seeds")
    direction: Literal["maximize", "minimize"] = "maximize"


class Experiment(_Section):
    """Methods × data × settings × seeds, and what to plot."""

    experiment: str = Field(pattern=r"^[A-Za-z][\w-]*$", description="its name, and that of its folder below runs/")
    title: str = ""
    paper: str = ""
    notes: str = ""
    recipe: str = Field(default="toy", description="a shipped recipe, or a file, from the folder of the experiment on")
    methods: dict[str, Variant] = Field(
        min_length=1, description="methods by the name they have in figures; or a list of methods"
    )
    data: tuple[str, ...] = Field(default=(), description="data sets; by default that of the recipe")
    seeds: Count | Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = Field(
        default=5, description="how many seeds, counted from 0; or a list of them"
    )
    set: dict[str, Any] = Field(default_factory=dict, description="settings and parameters of all runs")
    sweep: dict[str, tuple[Value, ...] | Range] = Field(
        default_factory=dict, description="settings and parameters of which every combination is run: lists or ranges"
    )
    search: Search | None = Field(default=None, description="choose combinations of the sweep instead of running all")
    plot: tuple[str, ...] = Field(default=(), description="measurements to plot over steps, by their names in metrics")
