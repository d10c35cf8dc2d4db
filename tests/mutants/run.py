#!/usr/bin/env python3
"""Breaks each protection on purpose, one at a time, and shows that some test then fails.

Works on a copy of the last commit; needs an hour. A mutant that lives is a protection that no test
guards. Those of the engine meet its own tests, those of the AWS kinds the whole program before a
strict cloud.

    python3 tests/mutants/run.py [NAME…]
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENGINE = "crates/engine/src/"
AWS = "crates/aws/src/"

# name: (file, what stands there, what takes its place)
MUTANTS = {
    "a change that the file refuses is made": (
        ENGINE + "plan/decide.rs",
        "        self.refuse(address, kind.as_ref(), &found.changes);\n",
        "",
    ),
    "nobody asks what is locked": (
        ENGINE + "session.rs",
        "        seen(&plan, &mut observed)?;\n        self.lock(&mut plan, &state, &observed).await?;\n",
        "        seen(&plan, &mut observed)?;\n",
    ),
    "a locked object is destroyed": (
        ENGINE + "session.rs",
        "        self.lock(&mut plan, state, &observed).await?;\n",
        "",
    ),
    "what cannot be looked at is gone": (
        ENGINE + "plan/mod.rs",
        "Some(wanted) if planning.observed.is_unseen(address) =>",
        "Some(wanted) if planning.observed.is_unseen(address) && false =>",
    ),
    "what cannot be looked at is forgotten by what needs it": (
        ENGINE + "plan/decide.rs",
        "if self.on.observed.is_unseen(need) {",
        "if false {",
    ),
    "a number gets smaller": (
        ENGINE + "change.rs",
        "Cost::NeverLess if number(after) >= number(before) => Cost::InPlace,",
        "Cost::NeverLess => Cost::InPlace,",
    ),
    "what was made otherwise is made again and again": (
        ENGINE + "plan/hold.rs",
        "let is_new = object.phase == Phase::Partial && object.spec.is_some();",
        "let is_new = false && object.phase == Phase::Partial;",
    ),
    "what was looked up is looked up again": (
        ENGINE + "session.rs",
        "(Some(spec), _) => Former::Known(spec.clone()),",
        "(Some(_), _) => Former::Nothing,",
    ),
    "what was found is looked up at once": (
        ENGINE + "session.rs",
        "(None, Some(live)) => Former::Found(live.spec.clone()),",
        "(None, Some(_)) => Former::Nothing,",
    ),
    "a field that leaves the file is taken away from others": (
        ENGINE + "change.rs",
        "if desired.is_none() && self.rule(path).1 == Compare::Released {",
        "if false {",
    ),
    "a profile that holds nobody is none": (
        AWS + "role/profile.rs",
        "Some(profile) if is_ours(&profile) => InProfile::Empty,",
        "Some(profile) if is_ours(&profile) && false => InProfile::Empty,",
    ),
    "a profile of others is used": (
        AWS + "role/profile.rs",
        "if there.is_some_and(|profile| !is_ours(&profile, &desired.tags)) {",
        "if there.is_some_and(|profile| !is_ours(&profile, &desired.tags) && false) {",
    ),
    "a profile of others is deleted": (
        AWS + "role/profile.rs",
        "if !on.applied.as_ref().is_some_and(|applied| is_ours(&profile, &applied.tags)) {",
        "if false {",
    ),
    "a profile is let go of with our tags": (
        AWS + "role/write.rs",
        "self.set_profile_tags(name, &applied.tags, &difference).await?;",
        "let _ = applied;",
    ),
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
    "a role goes though its successor cannot be made": (
        ENGINE + "plan/order.rs",
        "            if first {\n                // It goes",
        "            if first && false {\n                // It goes",
    ),
    "what is left out of a part loses its old half": (
        ENGINE + "plan/select.rs",
        "dropped.union(&of(&unmade)).copied().collect()",
        "dropped.clone()",
    ),
    "an adopted object loses its guard": (
        ENGINE + "state/journal.rs",
        "    let guard = guards.fold(entry.data.guard, Guard::or);",
        "    let guard = guards.fold(Guard::default(), |_, _| Guard::default());",
    ),
    "a guard goes with its block": (
        ENGINE + "plan/decide.rs",
        "        if protect && !is_over {\n",
        "        if protect && !is_over && false {\n",
    ),
    "a guarded object is replaced": (
        ENGINE + "plan/decide.rs",
        "            self.guard(&step, Guard { protect, ..wanted.terms.guard });\n",
        "",
    ),
    "a guard is recorded only with the finished object": (
        ENGINE + "state/journal.rs",
        "                guard: creating.guard,",
        "                guard: Guard::default(),",
    ),
    "what is let go keeps its tags": (
        ENGINE + "execute/forget.rs",
        "            if changes.is_empty() {",
        "            if changes.is_empty() || true {",
    ),
    "a rename to where old objects are left is passed over": (
        ENGINE + "session/told.rs",
        "            known.is_none_or(is_left).then(moved)",
        "            known.is_none_or(|known| is_left(known) && false).then(moved)",
    ),
    "what moves keeps a generation that is taken there": (
        ENGINE + "state/journal.rs",
        "        object.generation = entry.generation;\n",
        "",
    ),
    "a former address that nobody knows is not told": (
        ENGINE + "session/notes.rs",
        "        notes.extend(self.formers_unknown(plan, state));\n",
        "        let _ = Self::formers_unknown; let _ = state; notes.extend(Vec::new());\n",
    ),
    "an edit of what is ignored is not told": (
        ENGINE + "change.rs",
        "        found.in_vain = edited.map(|change| change.path).collect();\n",
        "        drop(edited.count());\n",
    ),
    "another spelling is an edit": (
        ENGINE + "change.rs",
        "self.sealer.same(this, that) || (self.kind.alike)(path, this, that)",
        "self.sealer.same(this, that) || (self.kind.alike)(path, this, that) && false",
    ),
    "what is ignored is sent along": (
        ENGINE + "execute/bring.rs",
        "        target.terms.ignored.keep(&mut desired, &seen.spec);\n",
        "",
    ),
    "what needs a moved address still points at the former one": (
        ENGINE + "state/journal.rs",
        "                needs.insert(to.clone(), identity);",
        "                needs.insert(from.clone(), identity);",
    ),
    "a kept plan is done though the state has moved": (
        ENGINE + "plan/saved.rs",
        "        if is_same { Ok(()) }",
        "        if is_same || true { Ok(()) }",
    ),
    "a kept plan is done though another would be made": (
        ENGINE + "plan/saved.rs",
        "        if self.digest == digest(plan, env, &self.nonce) {",
        "        if true {",
    ),
    "a target comes without what it needs": (
        ENGINE + "plan/select.rs",
        "closure(of(&self.targets), |at| steps[at].after.iter().copied().collect())",
        "of(&self.targets)",
    ),
    "a delete follows what is only half made": (
        ENGINE + "execute/walk.rs",
        "Status::Released => !step.leaves(),",
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
        "find(|line| *line < self.lines)",
        "find(|line| *line <= self.lines)",
    ),
    "what a failed run left is added to": (
        ENGINE + "state/store.rs",
        "let is_fresh = journal.entries.is_empty() && journal.damaged.is_empty();",
        "let is_fresh = true;",
    ),
    "a new file gets its name before it is synced": (
        ENGINE + "state/disk.rs",
        "        self.sync(&new)?;\n",
        "",
    ),
    "a new name is not synced": (
        ENGINE + "state/disk.rs",
        "        self.rename(&new, name)?;\n        self.sync_folder()\n",
        "        self.rename(&new, name)\n",
    ),
    "the journal is not synced": (
        ENGINE + "state/disk.rs",
        "        self.append(name, bytes)?;\n        self.sync(name)\n",
        "        self.append(name, bytes)\n",
    ),
    "checksums are not looked at": (
        ENGINE + "state/journal.rs",
        "    if checksum(json.as_bytes()) != sum {\n        return None;\n    }\n",
        "",
    ),
    "a journal is folded in twice": (
        ENGINE + "state/store.rs",
        "    if header.base_serial < state.serial {\n        return Ok(Some(Replayed::of(state))); // folded in already\n    }\n",
        "",
    ),
    "the lock is let go": (
        ENGINE + "state/disk.rs",
        "                self.lock = Some(file);\n",
        "",
    ),
    "another lineage's objects are taken": (
        ENGINE + "claim.rs",
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
    "a rebuild folds in what the snapshot has": (
        ENGINE + "state/journal.rs",
        "    if known.any(|object| object.generation >= entry.generation) {",
        "    if known.any(|object| object.generation > entry.generation + 9) {",
    ),
    "a rebuild keeps no copies": (
        ENGINE + "state/rebuild.rs",
        "let kept = if damage.is_empty() { Vec::new() } else { keep(&mut *disk, suffix)? };",
        "let kept = { let _ = keep; let _ = suffix; Vec::new() };",
    ),
    "a rebuild forgets whose state it was": (
        ENGINE + "state/rebuild.rs",
        "            state.lineage.clone_from(lineage);\n",
        "",
    ),
    "an edited snapshot is believed": (
        ENGINE + "state/snapshot.rs",
        "    if Snapshot::sum(&snapshot.state) != snapshot.checksum {",
        "    if snapshot.checksum.is_empty() {",
    ),
    "a journal of another lineage is folded in": (
        ENGINE + "state/store.rs",
        "    if header.lineage != state.lineage {",
        "    if header.lineage.is_empty() {",
    ),
    "a journal of a later snapshot is folded in": (
        ENGINE + "state/store.rs",
        "    if header.base_serial > state.serial {",
        "    if header.base_serial > state.serial + 99 {",
    ),
    "an empty answer is an empty list": (
        AWS + "whole.rs",
        "        return !text.is_empty();",
        "        return true;",
    ),
    "a log group that cannot be seen yet is somebody else's": (
        AWS + "log_group.rs",
        "                    Standing::Foreign => return Ok(()),\n",
        "                    Standing::Foreign | Standing::Absent => return Ok(()),\n                    #[allow(unreachable_patterns)]\n",
    ),
    "the first signal is not heard": (
        "src/signals.rs",
        "                stop.send_replace(true);\n",
        "",
    ),
    "retries have no end": (
        ENGINE + "execute/retry.rs",
        "let less = |left: usize| left.checked_sub(1);",
        "let less = |left: usize| Some(left);",
    ),
    "an instance's create goes without its token": (
        AWS + "instance.rs",
        "            .client_token(&intent.token)\n",
        "",
    ),
    "an instance gets its tags in a later call": (
        AWS + "instance.rs",
        "            .set_tag_specifications(Some(sorts.map(specification).into()))\n",
        "",
    ),
    "an API gets its tags in a later call": (
        AWS + "api/mod.rs",
        "            request.set_tags(Some(spec.tags.clone().into_iter().chain([stage]).collect()));\n",
        "            { let _ = stage; request };\n",
    ),
    "the SDK repeats the create of an API": (
        AWS + "api/mod.rs",
        "request.customize().once().send()",
        "request.send()",
    ),
    "an instance that the reply does not name counts as made": (
        AWS + "instance.rs",
        """            instance.as_ref().and_then(|seen| seen.instance_id()).unwrap_or_default().to_owned();
        let Some(instance) = instance.filter(|_| !id.is_empty()) else {
""",
        """            instance.as_ref().and_then(|seen| seen.instance_id()).unwrap_or("i-0").to_owned();
        let Some(instance) = instance.or_else(|| Some(aws_sdk_ec2::types::Instance::builder().build())) else {
""",
    ),
    "the case of an action is a change": (
        AWS + "role.rs",
        "        is_policy\n            && path",
        "        is_policy && false\n            && path",
    ),
    "what others hung on a role goes without a word": (
        AWS + "role.rs",
        "applied.map(|ours| foreign(ours, live)).unwrap_or_default()",
        "applied.map(|ours| foreign(ours, live)).filter(|_| false).unwrap_or_default()",
    ),
    "a log group that is let go keeps our tags": (
        AWS + "function/write.rs",
        "        if logs(desired) || on.applied.as_ref().is_some_and(logs) {",
        "        if false && (logs(desired) || on.applied.as_ref().is_some_and(logs)) {",
    ),
    "a build runs at every look": (
        AWS + "build.rs",
        "                known.insert(key, done.clone());\n",
        "                let _ = key;\n",
    ),
    "a check of the file runs its commands": (
        "src/commands/validate.rs",
        "workspace.offline(false)",
        "workspace.offline(true)",
    ),
    "a role that cannot be assumed yet is an error": (
        AWS + "function/role.rs",
        "const PROPAGATION: Duration = Duration::from_secs(60);",
        "const PROPAGATION: Duration = Duration::ZERO;",
    ),
    "an API is deployed before its routes are set": (
        AWS + "api/apply.rs",
        "        let is_changed = self.set_routes(&names.id, tree, &desired.routes).await?;\n",
        """        if desired.deployed != stages.digest { self.deploy(names, &stages, &desired.deployed).await?; }
        let is_changed = self.set_routes(&names.id, tree, &desired.routes).await?;
""",
    ),
    "a change of routes is deployed before it is made": (
        AWS + "api/apply.rs",
        "        let is_changed = self.set_routes(&names.id, tree, &desired.routes).await?;\n",
        """        let early = !stages.digest.is_empty() && desired.deployed != stages.digest;
        if early { self.deploy(names, &stages, &desired.deployed).await?; }
        let digest = if early { desired.deployed.clone() } else { stages.digest.clone() };
        let stages = super::observe::Stages { digest, ..stages };
        let is_changed = self.set_routes(&names.id, tree, &desired.routes).await?;
""",
    ),
    "a function is deployed before it may be called": (
        AWS + "api/apply.rs",
        "        for function in &desired.permissions {\n",
        """        if desired.deployed != stages.digest { self.deploy(names, &stages, &desired.deployed).await?; }
        for function in &desired.permissions {
""",
    ),
    "a function may not be called before the stage has moved": (
        AWS + "api/apply.rs",
        "        if desired.deployed != stages.digest {\n",
        """        for (function, grant) in &grants {
            if !desired.permissions.contains(function) { self.disallow(names, function, grant.count).await?; }
        }
        if desired.deployed != stages.digest {
""",
    ),
    "the deployment that is served is pruned": (
        AWS + "api/deploy.rs",
        "ours.into_iter().skip(KEPT)",
        "{ let _ = KEPT; ours.into_iter() }",
    ),
    "a permission that is wrong stays beside the right one": (
        AWS + "api/permission.rs",
        "        self.disallow(names, function, now.count).await?;\n",
        "        let _ = now;\n",
    ),
    "an instance that must be stopped first is an error": (
        AWS + "instance/write.rs",
        'if running && code(&error) == Some("IncorrectInstanceState") => {}',
        'if running && code(&error) == Some("NoSuchState") => {}',
    ),
    "an update in progress is an error": (
        AWS + "fault.rs",
        '"ResourceConflictException"',
        '"NoSuchConflictException"',
    ),
}


def main() -> int:
    wanted = sys.argv[1:]
    mutants = {name: mutant for name, mutant in MUTANTS.items() if not wanted or name in wanted}
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target" / "mutants"))
    lives = []
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "copy"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(copy)], check=True)
        # Nothing is killed by a test that fails anyway.
        for which in sorted({suite(file) for file, _, _ in mutants.values()}):
            if not builds(copy, target, which) or not passes(copy, target, which):
                print(f"the tests of {which} fail without any mutant")
                return 1
        for name, (file, old, new) in mutants.items():
            path = copy / file
            text = path.read_text()
            if text.count(old) != 1:
                print(f"STALE, its place has changed: {name} in {file}")
                note(name, suite(file), "STALE, its place has changed")
                lives.append(name)
                continue
            path.write_text(text.replace(old, new))
            if not builds(copy, target, suite(file)):
                result = "STALE, it does not compile"
            elif passes(copy, target, suite(file)):
                result = "LIVES"
            else:
                result = "killed"
            path.write_text(text)
            print(f"{result}: {name}", flush=True)
            note(name, suite(file), result)
            if result != "killed":
                lives.append(name)
    print(f"{len(lives)} of {len(mutants)} mutants need a test" if lives else "all mutants are killed")
    return 1 if lives else 0


def note(name: str, by: str, result: str) -> None:
    """A line for the report, where one is made."""
    figures = os.environ.get("STACKWRIGHT_FIGURES")
    if figures:
        line = {"suite": "mutants", "of": name, "tests": by, "result": result}
        with open(figures, "a") as file:
            file.write(json.dumps(line) + "\n")


def suite(file: str) -> str:
    return "engine" if file.startswith(ENGINE) else "program"


def command(which: str, *more: str) -> list[str]:
    if which == "engine":
        return ["cargo", "test", "-q", "--locked", "-p", "stackwright-engine", *more]
    suites = ["strict", "faults", "windows", "interrupted", "told", "profiles", "builds", "notes"]
    suites.extend(["retained", "prober::after_each_write"])
    tests = [] if more else ["--", *suites]
    return ["cargo", "test", "-q", "--locked", "--test", "it", *more, *tests]


def environment(target: pathlib.Path) -> dict[str, str]:
    cache = os.environ.get("STACKWRIGHT_TEST_CACHE", str(target / "emulators"))
    more = {"CARGO_TARGET_DIR": str(target), "STACKWRIGHT_TEST_CACHE": cache}
    few = {"STACKWRIGHT_WORLDS": "500", "STACKWRIGHT_SECONDS": "30", "RUST_BACKTRACE": "0"}
    # What a mutant's tests do is no figure.
    kept = {name: value for name, value in os.environ.items() if name != "STACKWRIGHT_FIGURES"}
    return kept | more | few


def builds(copy: pathlib.Path, target: pathlib.Path, which: str) -> bool:
    """A warning is no reason to stay."""
    built = subprocess.run(command(which, "--no-run"), cwd=copy, env=environment(target), capture_output=True)
    if built.returncode != 0:
        print(built.stderr.decode()[-800:])
    return built.returncode == 0


def passes(copy: pathlib.Path, target: pathlib.Path, which: str) -> bool:
    """A mutant may also make the tests hang: ten minutes are more than they need."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    ran = subprocess.Popen(command(which), cwd=copy, env=environment(target), **quiet)
    try:
        return ran.wait(600) == 0
    except subprocess.TimeoutExpired:
        os.killpg(ran.pid, signal.SIGKILL)
        ran.wait()
        return False


if __name__ == "__main__":
    sys.exit(main())
