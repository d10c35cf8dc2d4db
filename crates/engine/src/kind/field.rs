//! Declarations of fields: what a change costs, how the field is compared, what its value means.

use serde::{Deserialize, Serialize};

/// One field of a kind, or a part of one: everything that a JSON schema cannot say of it.
///
/// ```
/// use stackwright_engine::kind::{Field, field};
///
/// const FIELDS: &[Field] = &[
///     field("path").replaces(),
///     field("timeout").seconds(),
///     field("role").address("role", "arn", "arn:"),
///     field("volumes").replaces().ignored_when_unset(),
///     field("volumes.*.size").grows_only().gigabytes(),
/// ];
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// A path into the spec: dots between keys, `*` for any key of a map and any item of a list.
    pub path: &'static str,
    /// `None`: as the nearest declared part above it; without one, in place.
    pub(super) update: Option<UpdateCost>,
    /// `None`: as the nearest declared part above it; without one, [`Comparison::Managed`].
    pub(super) compare: Option<Comparison>,
    pub(super) computed_from: Option<&'static str>,
    pub(super) is_internal: bool,
    pub(super) is_clear_text: bool,
    pub(super) is_directive: bool,
    pub(super) is_fingerprinted: bool,
    pub(super) exclusive_if: Option<&'static str>,
    pub(crate) unit: Option<Unit>,
    pub(crate) address: Option<AddressOf>,
    pub(crate) mentions: Option<Mention>,
    pub(crate) literal: Option<&'static str>,
    pub(crate) example: Option<&'static str>,
    pub(crate) is_unique: bool,
}

/// What a change of a field costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateCost {
    InPlace,
    /// The object is stopped and started for it.
    Restart,
    /// A larger number is set in place, and such a change is `InPlace`. Of a change itself: the
    /// number would have to shrink, which only a new object can do, and no plan makes one unasked.
    GrowOnly,
    /// The object is replaced.
    Replace,
    /// The file itself forbids the change.
    Refuse,
}

/// How a field is compared with what exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Keys that the user never set belong to others.
    Managed,
    /// Keys that the user never set are drift.
    Exclusive,
    /// The cloud does not report the field: it is compared with what was last applied.
    WriteOnly,
    /// A field that is removed from the file is somebody else's from then on.
    IgnoredWhenUnset,
    /// The field is recorded and never a difference.
    NotCompared,
}

/// What a whole number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Megabytes,
    Gigabytes,
}

/// What the address of another resource means as the value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressOf {
    pub kind: &'static str,
    /// The output of that kind that the address stands for.
    pub output: &'static str,
    /// What a value begins with that is no address: `arn:`, `sg-`.
    pub prefix: &'static str,
}

/// What the address of another resource means as a word of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mention {
    pub kind: &'static str,
    /// The output of that kind that the address stands for.
    pub output: &'static str,
    /// The word for the resource that has the text, which cannot refer to itself.
    pub itself: &'static str,
}

/// Declares a field that is updated in place and compared key by key.
pub const fn field(path: &'static str) -> Field {
    Field {
        path,
        update: None,
        compare: None,
        computed_from: None,
        is_internal: false,
        is_clear_text: false,
        is_directive: false,
        is_fingerprinted: false,
        exclusive_if: None,
        unit: None,
        address: None,
        mentions: None,
        literal: None,
        example: None,
        is_unique: false,
    }
}

impl Field {
    /// Tells whether the declaration says how this very path is changed or compared.
    pub const fn has_rule(&self) -> bool {
        self.update.is_some() || self.compare.is_some()
    }

    const fn update(mut self, cost: UpdateCost) -> Self {
        self.update = Some(cost);
        self
    }

    const fn compare(mut self, comparison: Comparison) -> Self {
        self.compare = Some(comparison);
        self
    }

    /// Overrides the cost of the field that it is a part of.
    pub const fn in_place(self) -> Self {
        self.update(UpdateCost::InPlace)
    }

    pub const fn restarts(self) -> Self {
        self.update(UpdateCost::Restart)
    }

    pub const fn grows_only(self) -> Self {
        self.update(UpdateCost::GrowOnly)
    }

    pub const fn replaces(self) -> Self {
        self.update(UpdateCost::Replace)
    }

    pub const fn refuses(self) -> Self {
        self.update(UpdateCost::Refuse)
    }

    pub const fn exclusive(self) -> Self {
        self.compare(Comparison::Exclusive)
    }

    /// Makes the comparison exclusive where the boolean field `switch` of the same resource is true.
    pub const fn exclusive_if(mut self, switch: &'static str) -> Self {
        self.exclusive_if = Some(switch);
        self
    }

    pub const fn write_only(self) -> Self {
        self.compare(Comparison::WriteOnly)
    }

    /// Says that the cloud does not report the field and computes a value from it, by which drift is seen
    /// ([`Live::fingerprints`](super::Live::fingerprints)).
    pub const fn fingerprinted(mut self) -> Self {
        self.is_fingerprinted = true;
        self.write_only()
    }

    pub const fn ignored_when_unset(self) -> Self {
        self.compare(Comparison::IgnoredWhenUnset)
    }

    pub const fn not_compared(self) -> Self {
        self.compare(Comparison::NotCompared)
    }

    /// Names the field of the file that this one of the normal form is computed from. Plans show that
    /// name, and whoever ignores that field ignores this one.
    pub const fn computed_from(mut self, field: &'static str) -> Self {
        self.computed_from = Some(field);
        self
    }

    /// Hides the field from plans unless nothing else differs: it follows from others.
    pub const fn internal(mut self) -> Self {
        self.is_internal = true;
        self
    }

    /// Records the field as it is, also when it comes from the environment: calls need it to find the
    /// object's parts. `name` is always clear text.
    pub const fn clear_text(mut self) -> Self {
        self.is_clear_text = true;
        self
    }

    /// Marks a field of the file that only directs this program; no object has it, and its default is
    /// no default of AWS.
    pub const fn directive(mut self) -> Self {
        self.is_directive = true;
        self
    }

    pub const fn seconds(self) -> Self {
        self.unit(Unit::Seconds)
    }

    pub const fn megabytes(self) -> Self {
        self.unit(Unit::Megabytes)
    }

    pub const fn gigabytes(self) -> Self {
        self.unit(Unit::Gigabytes)
    }

    const fn unit(mut self, unit: Unit) -> Self {
        self.unit = Some(unit);
        self
    }

    /// Accepts the address of a resource of `kind` and reads it as that resource's `output`. Other
    /// values begin with `prefix` or are references.
    pub const fn address(
        mut self,
        kind: &'static str,
        output: &'static str,
        prefix: &'static str,
    ) -> Self {
        self.address = Some(AddressOf { kind, output, prefix });
        self
    }

    /// Reads the address of a resource of `kind` as that resource's `output` where it is a word of the
    /// text: `tcp 5432 from security_group.web`. `itself`: the word for the resource that has the text.
    pub const fn mentions(
        mut self,
        kind: &'static str,
        output: &'static str,
        itself: &'static str,
    ) -> Self {
        self.mentions = Some(Mention { kind, output, itself });
        self
    }

    /// Shows a text as an example to whoever writes a value of another type.
    pub const fn example(mut self, text: &'static str) -> Self {
        self.example = Some(text);
        self
    }

    /// Says that two resources of the kind cannot have the same value: the second would take it from the first at each
    /// run, and the first take it back. For fields at the top.
    pub const fn unique(mut self) -> Self {
        self.is_unique = true;
        self
    }

    /// Takes no references; `help` says what to write instead.
    pub const fn literal(mut self, help: &'static str) -> Self {
        self.literal = Some(help);
        self
    }
}
