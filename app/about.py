"""About: how scores are made, in plain words."""

from __future__ import annotations

from typing import Final

import streamlit as st

import cogmem

TEXT: Final = """
**One experiment, four kinds of participant.** A paradigm lays out what is studied and what is asked. People have
answered it before (recorded data); fitted models of human memory, trained neural networks and language models answer
it here. Whoever answers, the same measures are read off the answers.

**Scored on people's own trials.** For every trial that people answered, a model says how likely each answer was. The
score is the *expected log predictive density* (ELPD): the mean log of the probability it gave to what people did, in
nats per test. Each row of the data is left out in turn and told by a model that knows the others, so that a model
cannot win by having seen the answer. A difference of .01 nats per test means 1 % more probability on what people did,
trial by trial.

**Who is fitted to people, and who is not.** Equations and step models have parameters that are fitted to each person.
Networks and language models are not fitted to people: they take the experiment as they are, and one rule with two
numbers (a temperature and a lapse), the same for all of them, links their forecasts to people's answers.

**The human ceiling** is what other people reach when they predict a person through the same rule. A model can lie
above it: a person's own other trials may tell more than other people do. Where there is only one person there is no
ceiling, and none is shown.

**± is one standard error**; bands and whiskers are 90 % intervals. A model whose score lies within a standard error or
two of another's has not been told apart from it.

**What does not exist is left empty.** No score is approximated to fill a table.
"""


def show() -> None:
    """Show the page."""
    st.title("How scores are made")
    st.markdown(TEXT)
    st.caption(f"cogmem {cogmem.__version__}. This app listens on this machine only, sends nothing anywhere, and reads "
               "and writes only its store.")  # fmt: skip
