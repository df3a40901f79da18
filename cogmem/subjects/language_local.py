"""A language model in this process: a local folder of weights, read by transformers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Event, Lock
from typing import Any, Final

from cogmem.errors import UserError
from cogmem.subjects.language_requests import Completion, Request, Step, step

CONTENT: Final = ("*.json", "*.safetensors", "*.bin", "*.model", "*.jinja", "*.txt")


@dataclass(frozen=True)
class LocalFolder:
    """A folder of weights and tokenizer as transformers writes it; nothing is downloaded.

    `top` log-probabilities are given at each step; `device` is torch's word for where to compute.
    """

    folder: Path
    top: int = 200
    device: str = "cpu"
    context_window: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder).expanduser())
        if not (self.folder / "config.json").is_file():
            raise UserError(f"{self.folder} holds no weights (there is no config.json in it); give a folder that does.")
        if self.top < 1:
            raise UserError(f"top is the number of log-probabilities, 1 or more; got {self.top}.")

    @property
    def model(self) -> str:
        return self.folder.resolve().name

    @property
    def concurrency(self) -> int:
        """One request at a time: torch uses all cores for it."""
        return 1

    @property
    def identity(self) -> Mapping[str, Any]:
        """What answers depend on: the content of the files, not where they lie."""
        return {"model": self.model, "sha256": self._sha256}

    @cached_property
    def _sha256(self) -> str:
        whole = hashlib.sha256()
        for path in sorted({path for pattern in CONTENT for path in self.folder.glob(pattern)}):
            with path.open("rb") as file:
                whole.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        return whole.hexdigest()

    @contextmanager
    def __call__(self) -> Iterator[LocalSession]:
        """Load the weights; UserError where transformers is missing or cannot read the folder."""
        try:
            import transformers  # type: ignore[import-not-found,import-untyped,unused-ignore]
        except ImportError:
            raise UserError("Weights in a folder are read by transformers; pip install transformers.") from None
        try:
            tokenizer: Any = transformers.AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
            model: Any = transformers.AutoModelForCausalLM.from_pretrained(self.folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            words = " ".join(str(error).split())[:200].rstrip(".")
            raise UserError(f"transformers cannot read {self.folder}: {words}.") from None
        yield LocalSession(self, tokenizer, model.to(self.device).eval())


@dataclass(frozen=True, eq=False, repr=False)
class LocalSession:
    """A loaded model; threads take turns."""

    backend: LocalFolder
    tokenizer: Any
    model: Any
    lock: Lock = field(default_factory=Lock)

    @property
    def window(self) -> int | None:
        """Tokens that prompt and answer may have together."""
        told = getattr(self.model.config, "max_position_embeddings", None)
        return self.backend.context_window or (told if isinstance(told, int) else None)

    def count(self, request: Request) -> int:
        """Return the tokens of the prompt."""
        return len(self._tokens(request))

    def _tokens(self, request: Request) -> list[int]:
        text = request.prompt
        if request.mode == "chat":
            if not self.tokenizer.chat_template:
                raise UserError(
                    f"The model in {self.backend.folder} has no chat template, so it cannot be asked in a chat; take a "
                    "template of mode completion."
                )
            text = self.tokenizer.apply_chat_template(
                [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
            )
        return [int(each) for each in self.tokenizer(text, add_special_tokens=request.mode == "completion").input_ids]

    def complete(self, request: Request, stopped: Event) -> Completion:
        """Return the answer, token by token until it stops."""
        import torch

        with self.lock, torch.inference_mode(), torch.random.fork_rng():
            prompt = self._tokens(request)
            torch.manual_seed(request.seed or 0)
            drawn = {"temperature": request.temperature, "top_k": 0, "top_p": 1.0} if request.temperature else {}
            out = self.model.generate(
                torch.tensor([prompt], device=self.backend.device),
                attention_mask=torch.ones((1, len(prompt)), dtype=torch.long, device=self.backend.device),
                max_new_tokens=request.max_tokens, do_sample=bool(drawn), num_beams=1, **drawn,
                pad_token_id=self.tokenizer.pad_token_id or self.tokenizer.eos_token_id or 0,
                stopping_criteria=[self._stopping(len(prompt), request.stop, stopped)],
                return_dict_in_generate=True, output_logits=bool(request.top),
            )  # fmt: skip
        made = [int(each) for each in out.sequences[0, len(prompt) :]]
        kept = made[:-1] if made and made[-1] in self._ends else made
        text, ended = self._added(kept), len(kept) < len(made)
        for stop in request.stop:
            ended, text = ended or stop in text, text.split(stop, 1)[0]
        steps = [self._step(made[:k], made[k], each[0], request.top) for k, each in enumerate(out.logits or ())]
        finish = "stop" if ended else "length"
        return Completion(text, len(prompt), len(made), finish, tuple(steps) if request.top else None)

    def _stopping(self, start: int, stop: tuple[str, ...], stopped: Event) -> Callable[[Any, Any], Any]:
        """Return transformers' question whether to stop after a token."""
        import torch

        def stopping(tokens: Any, scores: Any, **_: Any) -> Any:
            text = self._added([int(each) for each in tokens[0, start:]]) if stop else ""
            return torch.tensor([stopped.is_set() or any(each in text for each in stop)], device=tokens.device)

        return stopping

    @cached_property
    def _ends(self) -> frozenset[int]:
        told = self.model.generation_config.eos_token_id
        every = told if isinstance(told, list) else [told]
        return frozenset(int(each) for each in [*every, self.tokenizer.eos_token_id] if each is not None)

    def _added(self, tokens: list[int]) -> str:
        """Return what tokens add to a text. Some tokenizers drop the space before the very first word, so one is put
        before them."""
        return self._text([self._anchor, *tokens])[len(self._text([self._anchor])) :]

    def _text(self, tokens: list[int]) -> str:
        return str(self.tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def _step(self, made: list[int], token: int, logits: Any, top: int) -> Step:
        """Return a step; the text of a token is what it adds to those before it."""
        import torch

        logprobs = torch.log_softmax(logits.float(), dim=-1)
        best = torch.topk(logprobs, min(top, logprobs.shape[-1]))
        before = len(self._added(made))
        texts = [self._added([*made, int(each)])[before:] for each in best.indices.tolist()]
        chosen = (self._added([*made, token])[before:], float(logprobs[token]))
        return step(chosen, list(zip(texts, best.values.tolist(), strict=True)))

    @cached_property
    def _anchor(self) -> int:
        return int(self.tokenizer("a", add_special_tokens=False).input_ids[-1])
