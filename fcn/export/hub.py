"""A trained network as a folder of the Hugging Face Hub: save_pretrained, from_pretrained. H height, W width."""

import html
import json
import os
import re
import tempfile
from pathlib import Path

from huggingface_hub import ModelCard, ModelCardData, ModelHubMixin, hf_hub_download

from fcn.expect import that
from fcn.export.graph import about
from fcn.files import write_whole
from fcn.predict import load
from fcn.training import save

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
_ON_THE_HUB = re.compile(r"[\w.-]+/[\w.-]+")
_TEMPLATE = """---
{{ card_data }}
---

# {{ name }}

A fully convolutional network (FCN-{{ stride }}s, Long et al. 2015) on the backbone {{ backbone }}: a photograph in, \
the class of each of its pixels out.

```python
from fcn.export.hub import Shared  # pip install fcn-book

trained = Shared.from_pretrained(".")  # this folder, or its name on the Hub
mask = trained(photograph)  # (H, W, 3) uint8, RGB -> (H, W) uint8
```

| label | class | color |
|---|---|---|
{% for label, class, color in rows %}| {{ label }} | {{ class }} | {{ color }} |
{% endfor %}
`model.safetensors` holds the weights and, in its metadata, what this network is; no code.
"""


class Shared(
    ModelHubMixin, library_name="fcn", pipeline_tag="image-segmentation", tags=["semantic-segmentation", "fcn"]
):
    """A trained network that huggingface_hub can save, load and push: shared(photograph) -> label map.

    `trained` is what fcn.predict.load returns; `net`, `classes` and `about` are its own. save_pretrained(folder)
    writes model.safetensors (a file for fcn.predict.load as well), config.json (backbone, classes, stride, hidden,
    learned, palette) and, if there is none, the model card README.md, with `license`, an identifier of the Hub as
    "mit", if one is given. What else the network's file tells (who trained it where) stays at home. from_pretrained
    takes such a folder, without a network connection, or a name on the Hub.
    """

    def __init__(self, trained, *, license: str | None = None):
        self.trained, self.license = trained, license
        self.net, self.classes, self.about = trained.net, trained.classes, trained.about

    def __call__(self, image):
        """Return the label map of a photograph, as the trained network does."""
        return self.trained(image)

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | Path, *, force_download: bool = False,
        token: str | bool | None = None, cache_dir: str | Path | None = None, local_files_only: bool = False,
        revision: str | None = None,
    ) -> "Shared":  # fmt: skip
        """Return the network of a folder, or of a name "someone/something" on the Hub; see huggingface_hub.

        Nothing is unpickled. Raises FileNotFoundError if there is no such folder or a file is missing, or if the Hub
        is out of reach or has no such name; ValueError if config.json and the weights are not of one network.
        """
        name = os.path.expanduser(pretrained_model_name_or_path)
        if os.path.isdir(name):
            return cls._of(Path(name, CONFIG), Path(name, WEIGHTS))
        if not _ON_THE_HUB.fullmatch(name):
            raise FileNotFoundError(f"There is no folder {name}.")
        how = {
            "force_download": force_download, "token": token, "cache_dir": cache_dir, "revision": revision,
            "local_files_only": local_files_only,
        }  # fmt: skip
        try:
            config, weights = (Path(hf_hub_download(name, file, **how)) for file in (CONFIG, WEIGHTS))
        except (OSError, ValueError) as error:  # all that huggingface_hub says is one of these
            why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise FileNotFoundError(f"There is no folder {name}, and from the Hub it cannot be had: {why}") from None
        return cls._of(config, weights)

    @classmethod
    def _of(cls, config: Path, weights: Path) -> "Shared":
        for path in (config, weights):
            if not path.is_file():
                raise FileNotFoundError(f"There is no {path.name} in {path.parent}: no folder of save_pretrained.")
        says = _read(config)
        trained = load(weights)
        for key, value in trained.about["network"].items():
            advice = "Its config.json or its weights are another network's."
            that(says.get(key) == value, f"{key} {value!r} in {config}, as in {weights.name}", says.get(key), advice)
        return cls(trained, license=says.get("license"))

    def _save_pretrained(self, save_directory: Path) -> None:
        network = self.about["network"]
        save(save_directory / WEIGHTS, self.net, network=network)
        says = {"learned": False} | network | {"palette": about(self, "")["colors"]}
        says |= {"license": self.license} if self.license else {}
        write_whole(save_directory / CONFIG, (json.dumps(says, indent=1, ensure_ascii=False) + "\n").encode())

    def generate_model_card(self, *, name: str = "FCN") -> ModelCard:
        """Return the model card, headed by a name."""
        info, network = self._hub_mixin_info.model_card_data.to_dict(), self.about["network"]
        colors = about(self, "")["colors"]
        data = ModelCardData(**info | {"license": self.license})
        names = [html.escape(" ".join(each.split())).replace("|", "\\|") for each in self.classes]
        rows = [(label, *row) for label, row in enumerate(zip(names, colors, strict=True))]
        told = {"name": name, "rows": rows, "stride": network["stride"], "backbone": network["backbone"]}
        return ModelCard.from_template(data, template_str=_TEMPLATE, **told)


def to_folder(trained, folder: str | Path, *, license: str | None = None, force: bool = False) -> Path:
    """Write a trained network as a folder for the Hugging Face Hub, whole or not at all; return the folder.

    It is what Shared(trained, license=license).save_pretrained(folder) writes. Raises FileExistsError for a folder
    with anything in it, unless `force`: then these three files are replaced, others are left alone.
    FileNotFoundError if there is no folder to put it in, OSError if it cannot be written.

    >>> to_folder(None, "/nowhere/streets")
    Traceback (most recent call last):
    FileNotFoundError: There is no folder /nowhere.
    """
    folder = Path(os.path.realpath(os.path.expanduser(folder)))
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {folder.parent}.")
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file: name a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise FileExistsError(f"The folder {folder} is not empty: name another, or force it (force=True, --force).")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as aside:
            whole = Path(aside, folder.name)
            Shared(trained, license=license).save_pretrained(whole, model_card_kwargs={"name": folder.name})
            _moved(whole, folder)
    except OSError as error:
        raise type(error)(error.errno, f"{folder} could not be written ({error.strerror})") from None
    return folder


def _moved(whole: Path, folder: Path) -> None:
    if not folder.is_dir() or not any(folder.iterdir()):
        os.replace(whole, folder)
        return
    for file in (WEIGHTS, CONFIG, CARD):
        os.replace(whole / file, folder / file)


def _read(config: Path) -> dict:
    """Return what a config.json says."""
    try:
        says = json.loads(config.read_text(encoding="utf-8"))
    except ValueError as error:  # no JSON, or no text
        raise ValueError(f"Expected JSON in {config}; got something else ({error}).") from None
    that(isinstance(says, dict), f"an object in {config}", says)
    return says
