//! Filters of EC2's describe calls.

use aws_sdk_ec2::types::Filter;
use stackwright_engine::kind::{Sought, tag};

use crate::tags::Tags;

pub fn filter(name: &str, values: impl IntoIterator<Item = String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().collect())).build()
}

/// Returns filters by the ownership tags of what is sought. EC2 filters before it answers, so that a search for
/// one object does not list a whole stack.
pub fn of_owner(sought: Sought<'_>) -> Vec<Filter> {
    let of = |tag: &str, value: String| filter(&format!("tag:{tag}"), [value]);
    let address = sought.address.map(|address| of(tag::ADDRESS, address.to_string()));
    [of(tag::STACK, sought.owner.stack.clone())].into_iter().chain(address).collect()
}

/// Tells whether an object is one that is sought: an endpoint may ignore filters, and the objects of strangers
/// must not become this stack's.
pub fn is_of_owner(sought: Sought<'_>, tags: &Tags) -> bool {
    let is = |tag: &str, value: &str| tags.get(tag).is_some_and(|is| is == value);
    is(tag::STACK, &sought.owner.stack)
        && sought.address.is_none_or(|address| is(tag::ADDRESS, address.as_str()))
}
