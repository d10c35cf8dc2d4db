#!/usr/bin/env python3
"""Breaks each protection on purpose, one at a time, and shows that some test then fails.

Works on a copy of the last commit; needs a few minutes. A mutant that lives is a protection that no
test guards.

    python3 tests/mutants/run.py [NAME…]
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENGINE = "crates/engine/src/"

# name: (file, what stands there, what takes its place)
MUTANTS = {
    "the intent is written after the call": (
        ENGINE + "execute/create.rs",
        """        self.journal(Verb::Create, state::Step::Intent, data).await?;
        let begun = self.shared.run.options.clock.now().to_string();
""",
        """        let begun = self.shared.run.options.clock.now().to_string();
        let early = crate::kind::Intent { address: self.address.clone(), generation: self.generation, token: token.clone() };
        let _ = self.kind.create(&early, &target.spec).await;
        self.journal(Verb::Create, state::Step::Intent, data).await?;
""",
    ),
    "a create is repeated with another token": (
        ENGINE + "execute/create.rs",
        "self.make(&creating.token, spec, &creating.at, 1)",
        'self.make("another", spec, &creating.at, 1)',
    ),
    "a lost reply is not looked into": (
        ENGINE + "execute/create.rs",
        "if let Some(found) = self.find_lost(name, &begun).await? {",
        "if let Some(found) = self.find_lost(name, &begun).await?.filter(|_| false) {",
    ),
    "a refusal closes the intent of an earlier attempt": (
        ENGINE + "execute/create.rs",
        "        if unknown == 0 {\n",
        "        if unknown < 99 {\n",
    ),
    "what is not seen at once was never made": (
        ENGINE + "execute/create.rs",
        "            if is_conclusive {\n",
        "            if is_conclusive || true {\n",
    ),
    "a young object that is not seen is gone": (
        ENGINE + "observe.rs",
        "object.phase == Phase::Deleting || self.clock.age(&object.created) >= self.grace",
        "object.phase != Phase::Deleting || self.clock.age(&object.created) >= self.grace",
    ),
    "a late name is somebody else's": (
        ENGINE + "execute/create.rs",
        "None => format!(\"what is called `{name}` to show itself\"),",
        "None => return Ok(Named::Foreign),",
    ),
    "the old one goes before its dependants let go": (
        ENGINE + "plan/order.rs",
        "                after.extend(make.filter(|_| !first));\n",
        "",
    ),
    "a needless replacement drops the object": (
        ENGINE + "execute/walk.rs",
        "if step.action == Action::Replace && action != Action::Replace {",
        "if false && step.action == Action::Replace && action != Action::Replace {",
    ),
    "a delete follows what is only half made": (
        ENGINE + "execute/walk.rs",
        "Status::Released => step.action != Action::Delete,",
        "Status::Released => true,",
    ),
    "steps begin on what has failed": (
        ENGINE + "execute/walk.rs",
        "self.status[at] = Status::Lost;\n                self.halted",
        "self.status[at] = Status::Done;\n                self.halted",
    ),
    "what was found counts as made as asked": (
        ENGINE + "execute/create.rs",
        "let as_asked = self.kind.repeat() != Repeat::UniqueName;",
        "let as_asked = true;",
    ),
    "an open create is closed before its successor is on disk": (
        ENGINE + "execute/create.rs",
        "(Repeat::UniqueName, _) if open.is_remade => {",
        '(Repeat::UniqueName, _) if open.is_remade => { self.abandon("").await?;',
    ),
    "repeating costs nothing": (
        ENGINE + "execute/retry.rs",
        "let is_free = matches!(error.fault, Fault::Awaiting { .. });",
        "let is_free = true;",
    ),
    "an interruption does not end what is being repeated": (
        ENGINE + "execute/retry.rs",
        "if self.stopping() {",
        "if false {",
    ),
    "a refused successor closes its predecessor's intent": (
        ENGINE + "execute/create.rs",
        "let unknown = usize::from(self.succeeds);",
        "let unknown = 0;",
    ),
    "what is rebound is sent once, whatever comes of it": (
        ENGINE + "execute/bring.rs",
        "let changes = if is_rebinding { rebound.clone() } else { found.changes };",
        "let changes = if is_rebinding { std::mem::take(&mut rebound) } else { found.changes };",
    ),
    "a refused delete condemns the object": (
        ENGINE + "execute/delete.rs",
        "if is_refused && matches!(seen, Some(Ok(Some(_)))) {",
        "if false && is_refused && matches!(seen, Some(Ok(Some(_)))) {",
    ),
    "a replaced object is forgotten": (
        ENGINE + "state/journal.rs",
        "record.deposed.extend(record.object.replace(made));",
        "record.object.replace(made);",
    ),
    "a deleted object is forgotten at the request": (
        ENGINE + "state/journal.rs",
        "    if entry.step == Step::Done {\n",
        "    if entry.step != Step::Failed {\n",
    ),
    "a torn line is refused": (
        ENGINE + "state/journal.rs",
        "            None if torn(at) => break,\n",
        "",
    ),
    "a torn line stays in the file": (
        ENGINE + "state/mod.rs",
        "if journal.is_some_and(|journal| journal.len() > whole) {",
        "if journal.is_some_and(|journal| journal.len() > whole + 9999) {",
    ),
    "checksums are not looked at": (
        ENGINE + "state/journal.rs",
        "    if checksum(json.as_bytes()) != sum {\n        return None;\n    }\n",
        "",
    ),
    "a journal is folded in twice": (
        ENGINE + "state/mod.rs",
        "    if journal.header.base_serial < state.serial {\n        return Ok(Some(Replayed::only(state))); // folded in already\n    }\n",
        "",
    ),
    "the lock is let go": (
        ENGINE + "state/disk.rs",
        "                self.lock = Some(file);\n",
        "",
    ),
    "another lineage's objects are taken": (
        ENGINE + "session.rs",
        "if !ours && !self.adopt {",
        "if false && !ours && !self.adopt {",
    ),
    "a lost state looks only where the file points": (
        ENGINE + "session.rs",
        "let thorough = self.adopt || state.resources.is_empty();",
        "let thorough = false;",
    ),
    "secrets are recorded as they are": (
        ENGINE + "secret.rs",
        "Some(template) => seal(&self.digest(text), template),",
        "Some(_) => text.to_owned(),",
    ),
}


def main() -> int:
    wanted = sys.argv[1:]
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target" / "mutants"))
    lives = []
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "copy"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(copy)], check=True)
        # Nothing is killed by a test that fails anyway.
        if not passes(copy, target):
            print("the tests fail without any mutant")
            return 1
        for name, (file, old, new) in MUTANTS.items():
            if wanted and name not in wanted:
                continue
            path = copy / file
            text = path.read_text()
            if text.count(old) != 1:
                print(f"STALE  {name}: its place in {file} has changed")
                lives.append(name)
                continue
            path.write_text(text.replace(old, new))
            built = subprocess.run(command("--no-run"), cwd=copy, env=environment(target), capture_output=True)
            if built.returncode != 0:
                print(f"STALE  {name}: it does not compile\n{built.stderr.decode()[-800:]}")
                lives.append(name)
            elif passes(copy, target):
                print(f"LIVES  {name}")
                lives.append(name)
            else:
                print(f"killed {name}", flush=True)
            path.write_text(text)
    print(f"{len(lives)} of {len(MUTANTS)} mutants need a test" if lives else "all mutants are killed")
    return 1 if lives else 0


def command(*more: str) -> list[str]:
    return ["cargo", "test", "-q", "-p", "stackwright-engine", *more]


def environment(target: pathlib.Path) -> dict[str, str]:
    return os.environ | {"CARGO_TARGET_DIR": str(target), "STACKWRIGHT_WORLDS": "300", "RUST_BACKTRACE": "0"}


def passes(copy: pathlib.Path, target: pathlib.Path) -> bool:
    """A mutant may also make the tests hang: five minutes are more than they need."""
    try:
        ran = subprocess.run(command(), cwd=copy, env=environment(target), capture_output=True, timeout=300)
    except subprocess.TimeoutExpired:
        return False
    return ran.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
