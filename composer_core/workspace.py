"""Every path inside a workspace, defined once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from composer_core.errors import StoreError

ASSETS = Path(__file__).resolve().parent.parent / "assets"
ENVIRONMENT_VARIABLE = "COMPOSER_WORKSPACE"


@dataclass(frozen=True, slots=True)
class Workspace:
    """One person's data folder. `root` need not exist before `create`."""

    root: Path

    @property
    def loops(self) -> Path:
        """Parquet parts with one row per loop."""
        return self.root / "library" / "loops"

    @property
    def notes(self) -> Path:
        """Parquet parts with one row per note."""
        return self.root / "library" / "notes"

    @property
    def loop_index(self) -> Path:
        """The index of which part holds which loop (SQLite). Built from the parts; it may be deleted."""
        return self.root / "library" / "index.sqlite"

    @property
    def exchanges(self) -> Path:
        """The log of exchanges: which parts were taken out of the library and which put in their place (JSON)."""
        return self.root / "library" / "exchanges.json"

    @property
    def rereading(self) -> Path:
        """What a re-read has made ready and not yet put in. May be deleted: it is made again."""
        return self.root / "library" / "rereading"

    @property
    def imports(self) -> Path:
        """One JSON report per import."""
        return self.root / "library" / "imports"

    @property
    def library_lock(self) -> Path:
        """Held while loops are appended."""
        return self.root / "library" / "lock"

    @property
    def catalogue(self) -> Path:
        """The loops with their current labels, as a search reads them. Built from both; it may be deleted."""
        return self.root / "library" / "catalogue"

    @property
    def suggestions(self) -> Path:
        """What the estimators said of each loop (SQLite). Built from the loops; it may be deleted."""
        return self.root / "library" / "suggestions.sqlite"

    @property
    def similarity(self) -> Path:
        """The data for finding similar loops. Built from the loops; it may be deleted."""
        return self.root / "library" / "similarity"

    @property
    def exclusions(self) -> Path:
        """Parquet parts of exclusion events: which loops were left out, why and by whom, and which were restored."""
        return self.root / "library" / "exclusions"

    @property
    def sources(self) -> Path:
        """Uploaded files, named by the digest of their content."""
        return self.root / "library" / "sources"

    @property
    def other_names(self) -> Path:
        """Parquet parts: under which further names files were imported that the library has already."""
        return self.root / "library" / "names"

    @property
    def songs(self) -> Path:
        """Facts from data sets about source files: Parquet parts, one folder per data set."""
        return self.root / "library" / "songs"

    @property
    def legacy(self) -> Path:
        """Values from the predecessor's files, as Parquet parts."""
        return self.root / "library" / "legacy"

    @property
    def progressions(self) -> Path:
        """Chord progressions learnt from data sets (JSON)."""
        return self.root / "library" / "progressions.json"

    @property
    def labels(self) -> Path:
        """The SQLite file of label events."""
        return self.root / "labels.sqlite"

    @property
    def vocabularies(self) -> Path:
        """The user's own mood.yaml, genres.yaml, techniques.yaml and tags.yaml; need not exist."""
        return self.root / "vocabularies"

    @property
    def backups(self) -> Path:
        """Backups of the labels taken before a restore."""
        return self.root / "backups"

    @property
    def recipes(self) -> Path:
        """Recipes the user has saved, one YAML file each; need not exist."""
        return self.root / "recipes"

    @property
    def takes(self) -> Path:
        """Generated takes, one JSON and one MIDI file each."""
        return self.root / "takes"

    @property
    def runs(self) -> Path:
        """Training runs, one folder each."""
        return self.root / "runs"

    @property
    def estimators(self) -> Path:
        """Estimators the user has trained in place of the shipped ones, one folder or file each."""
        return self.root / "estimators"

    @property
    def audio(self) -> Path:
        """The cache of rendered audio, limited in size and named by content hash."""
        return self.root / "cache" / "audio"

    @property
    def logs(self) -> Path:
        """What the studio's server and training processes tell of their work, a rotating file each kind of process;
        may be deleted."""
        return self.root / "logs"

    @property
    def studios(self) -> Path:
        """One file for each studio that runs on the workspace, locked by it; need not exist."""
        return self.root / "studios"

    @property
    def settings(self) -> Path:
        """The user's settings (JSON)."""
        return self.root / "settings.json"

    @property
    def accounts(self) -> Path:
        """Who may sign in to a shared studio (JSON), readable by its owner alone; need not exist."""
        return self.root / "accounts.json"

    @property
    def accounts_lock(self) -> Path:
        """Held while accounts are changed."""
        return self.root / "accounts.lock"

    def create(self) -> Workspace:
        """Create the folders and return the workspace; StoreError when the folder cannot be written."""
        folders = (self.loops, self.notes, self.imports, self.sources, self.takes, self.runs, self.audio)
        try:
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError("cannot_write", path=str(self.root), reason=error.strerror or str(error)) from error
        if not os.access(self.root, os.W_OK):
            raise StoreError("cannot_write", path=str(self.root), reason="read-only")
        return self


def default_workspace() -> Workspace:
    """The folder in COMPOSER_WORKSPACE, else ~/composer-workspace."""
    return Workspace(Path(os.environ.get(ENVIRONMENT_VARIABLE) or Path.home() / "composer-workspace"))
