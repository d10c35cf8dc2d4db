//! Histories of small stacks, one for each seed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use stackwright_engine::kind::Fault;
use stackwright_testkit::Dice;
use stackwright_testkit::world::{DiskFault, Fate, Loss};

/// One resource in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    kind: &'static str,
    /// How often its address was changed.
    renamed: usize,
    /// Never replaced, and retained. Only where no object of another shape can exist.
    retains: bool,
    size: Option<usize>,
    shape: Option<&'static str>,
    motor: Option<&'static str>,
    word: Option<&'static str>,
    /// Its shape is the id of its first dependency.
    is_shaped: bool,
    /// Earlier resources to whose ids it refers.
    needs: Vec<usize>,
}

/// Resources by a number that stays; the address may change.
pub type File = BTreeMap<usize, Block>;

/// One thing that happens to a stack.
#[derive(Clone, Debug)]
pub enum Move {
    Edit(File),
    Run {
        destroys: bool,
        /// The target; `None` for everything.
        part: Option<String>,
        fates: BTreeMap<usize, Fate>,
        disk: Option<(usize, DiskFault)>,
        /// At this call, another run is started too.
        beside: Option<usize>,
    },
    /// The size of an object is changed, or the object deleted, by others.
    Meddle {
        which: usize,
        ends: bool,
    },
    /// New objects are visible, and ready, so many seconds later.
    Late(u64, u64),
    LoseState,
    /// The files of the state become those that they were behind an earlier run: of how many runs, which.
    RestoreState(usize),
    /// A byte before the last write changes, or the whole snapshot is lost; then `state rebuild`.
    Damage(u64),
}

pub fn text(file: &File) -> String {
    let mut text = "stack: s\n".to_owned();
    for kind in ["token", "named", "plain", "untagged"] {
        let mut blocks = file.iter().filter(|(_, block)| block.kind == kind).peekable();
        if blocks.peek().is_some() {
            let _ = writeln!(text, "{kind}:");
        }
        for (at, block) in blocks {
            let mut fields = Vec::new();
            fields.extend(block.size.map(|size| format!("size: {size}")));
            let former = block.needs.iter().find_map(|need| Some((need, file.get(need)?)));
            match former.filter(|_| block.is_shaped) {
                Some((n, b)) => fields.push(format!("shape: '${{{}.id}}'", address(*n, b))),
                None => fields.extend(block.shape.map(|shape| format!("shape: {shape}"))),
            }
            fields.extend(block.motor.map(|motor| format!("motor: {motor}")));
            fields.extend(block.word.map(|word| format!("word: {word}")));
            let needs = block.needs.iter().filter_map(|need| Some((need, file.get(need)?)));
            let needs: Vec<String> =
                needs.map(|(n, b)| format!("n{n}: '${{{}.id}}'", address(*n, b))).collect();
            fields.push(format!("rules: {{{}}}", needs.join(", ")));
            fields.push(format!("name: r{at}"));
            if block.renamed > 0 {
                fields.push(format!("renamed_from: {}", key(*at, block.renamed - 1)));
            }
            if block.retains {
                fields.push("retain: true".to_owned());
            }
            let _ = writeln!(text, "  {}: {{{}}}", key(*at, block.renamed), fields.join(", "));
        }
    }
    text
}

/// Whether a file asks to retain an object of that name.
pub fn is_retained(file: &File, name: &str) -> bool {
    file.iter().any(|(at, block)| block.retains && name == format!("r{at}"))
}

fn key(at: usize, renamed: usize) -> String {
    format!("r{at}_{renamed}")
}

fn address(at: usize, block: &Block) -> String {
    format!("{}.{}", block.kind, key(at, block.renamed))
}

fn block(dice: &mut Dice, at: usize) -> Block {
    let pick = |dice: &mut Dice, of: [&'static str; 2]| {
        Some(of[dice.below(2)]).filter(|_| !dice.one_in(3))
    };
    Block {
        kind: ["token", "named", "plain", "untagged"][dice.below(4)],
        renamed: 0,
        retains: false,
        size: Some(dice.below(4)).filter(|_| !dice.one_in(3)),
        shape: pick(dice, ["round", "square"]),
        motor: pick(dice, ["v1", "v2"]),
        word: [Some("hush"), Some("psst"), Some("shh")][dice.below(3)],
        is_shaped: dice.one_in(4),
        needs: (0..at).filter(|_| dice.one_in(3)).collect(),
    }
}

/// `used` are the numbers that some object may have had already.
fn edit(dice: &mut Dice, file: &File, used: &mut BTreeSet<usize>) -> File {
    let mut file = file.clone();
    for _ in 0..=dice.below(3) {
        let at = dice.below(6);
        let new = block(dice, at);
        let is_fresh = used.insert(at);
        match (dice.below(5), file.get(&at).cloned()) {
            (0, _) => drop(file.remove(&at)),
            // Its fields change, its kind does not.
            (1 | 2, Some(Block { kind, renamed, retains, .. })) => {
                file.insert(at, Block { kind, renamed, retains, ..new }.shapeless_if(retains));
            }
            (3, Some(old)) => {
                file.insert(at, Block { renamed: old.renamed + 1, ..old });
            }
            (_, None) => {
                let is_named = ["named", "untagged"].contains(&new.kind);
                let retains = is_fresh && !is_named && dice.one_in(3);
                file.insert(at, Block { retains, ..new }.shapeless_if(retains));
            }
            _ => {}
        }
    }
    file
}

impl Block {
    fn shapeless_if(self, retains: bool) -> Self {
        if retains { Self { shape: None, is_shaped: false, ..self } } else { self }
    }
}

fn fate(dice: &mut Dice) -> Fate {
    match dice.below(8) {
        0 | 1 => Fate::KillsBefore,
        2 | 3 => Fate::KillsAfter,
        4 => Fate::ReplyIsLost,
        5 => Fate::Fails(Fault::Transient),
        6 => Fate::Fails(Fault::Unknown),
        _ => Fate::Fails([Fault::Conflict, Fault::Denied, Fault::Terminal][dice.below(3)].clone()),
    }
}

pub fn history(seed: u64) -> Vec<Move> {
    let mut dice = Dice::new(seed);
    let mut file = File::new();
    let mut used = BTreeSet::new();
    let mut moves = Vec::new();
    for _ in 0..2 + dice.below(6) {
        file = edit(&mut dice, &file, &mut used);
        moves.push(Move::Edit(file.clone()));
        if dice.one_in(4) {
            moves.push(Move::Late(dice.below(25) as u64, dice.below(90) as u64));
        }
        for _ in 0..1 + dice.below(2) {
            let fates = (0..dice.below(3)).map(|_| (dice.below(30), fate(&mut dice))).collect();
            let disk = dice.one_in(5).then(|| {
                let bytes = [0, 1, 30, usize::MAX][dice.below(4)];
                let loss = Loss::ALL[dice.below(Loss::ALL.len())];
                let faults =
                    [DiskFault::Crash(bytes, loss), DiskFault::Full(bytes), DiskFault::Broken];
                (dice.below(25), faults[dice.below(3)])
            });
            let destroys = dice.one_in(12);
            let beside = dice.one_in(4).then(|| dice.below(20));
            let part = dice.one_in(6).then(|| file.iter().nth(dice.below(6))).flatten();
            let part = part.map(|(at, block)| address(*at, block));
            moves.push(Move::Run { destroys, part, fates, disk, beside });
        }
        if dice.one_in(3) {
            moves.push(Move::Meddle { which: dice.below(6), ends: dice.one_in(2) });
        }
        match dice.below(24) {
            0 | 1 => moves.push(Move::LoseState),
            2 | 3 => moves.push(Move::Damage(dice.next())),
            4..8 => moves.push(Move::RestoreState(dice.below(8))),
            _ => {}
        }
    }
    moves
}
