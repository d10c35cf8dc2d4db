//! EC2, as all its kinds use it: the client, quotas, filters, and tags.

use aws_sdk_ec2::types::{Filter, ResourceType as Taggable, Tag, TagSpecification};
use stackwright_engine::change::Change;
use stackwright_engine::kind::{CheckContext, Problems, Result, Sought, tag};

use crate::client::sdk_client;
use crate::fault::{Codes, Explain as _};
use crate::pace::Quota;
use crate::tags::{self, Tags};

sdk_client!(aws_sdk_ec2, QUOTAS);

/// From "Request throttling for the Amazon EC2 API". Each operation has a bucket of its own. Operations on
/// instances have a second one, from which each instance takes a token: these calls are of one instance each.
/// A list without a filter would have a smaller one; every list here has a filter.
const QUOTAS: &[Quota] = &[
    Quota::of(&["RunInstances"], 5, 500),
    Quota::of(&["RunInstances"], 1_000, 500),
    Quota::of(&["StartInstances"], 5, 500),
    Quota::of(&["StartInstances"], 1_000, 500),
    Quota::of(&["StopInstances"], 50, 200),
    Quota::of(&["StopInstances"], 1_000, 50),
    Quota::of(&["TerminateInstances"], 100, 200),
    Quota::of(&["TerminateInstances"], 1_000, 50),
    Quota::of(&["CreateTags"], 100, 100),
    Quota::of(&["DeleteTags"], 100, 100),
    Quota::of(&["AssociateIamInstanceProfile"], 100, 200),
    Quota::of(&["DisassociateIamInstanceProfile"], 100, 200),
    Quota::of(&["ModifyInstanceMetadataOptions"], 100, 200),
    Quota::of(&["ModifyNetworkInterfaceAttribute"], 100, 200),
    Quota::of_each_other_read(100, 50),
    Quota::of_each_other_write(50, 200),
];

/// EC2 calls the value of this tag the name of an object that has no other one.
pub const NAME_TAG: &str = "Name";

pub fn filter(name: &str, values: impl IntoIterator<Item = String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().collect())).build()
}

/// As [`filter`], for values of which `*` and `?` are no wildcards.
pub fn exactly(name: &str, values: impl IntoIterator<Item = String>) -> Filter {
    let escaped = |value: String| {
        let mut escaped = String::new();
        for c in value.chars() {
            if matches!(c, '*' | '?' | '\\') {
                escaped.push('\\');
            }
            escaped.push(c);
        }
        escaped
    };
    filter(name, values.into_iter().map(escaped))
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

/// Adds a name that is too long for its tag, and a tag that would stand for the name of `what`.
pub fn check_name_tag(context: &CheckContext<'_>, what: &str, problems: &mut Problems) {
    if context.name.chars().count() > tag::LONGEST.1 {
        let hint = "EC2 keeps it as a tag, whose value has at most 256 characters";
        problems.at(&["name"], "the name is too long").hint(hint);
    }
    if context.tags.contains_key(NAME_TAG) {
        let message = format!("EC2 takes the tag `{NAME_TAG}` for the name of {what}");
        problems
            .at(&["tags", NAME_TAG], message)
            .hint(format!("write `name:` instead of a tag `{NAME_TAG}`"));
    }
}

/// Returns tags with that of the name.
pub fn with_name(tags: &Tags, name: &str) -> Tags {
    let mut named = tags.clone();
    named.insert(NAME_TAG.to_owned(), name.to_owned());
    named
}

/// Returns the tags of a create.
pub fn tagged(sort: Taggable, tags: &Tags) -> TagSpecification {
    let tags = Some(tags::to_ec2(tags));
    TagSpecification::builder().resource_type(sort).set_tags(tags).build()
}

/// Returns the changes of tags among `changes`, a changed name among them.
pub fn tags_with_name(changes: &[Change], name: &str) -> tags::Difference {
    let mut difference = tags::difference(changes);
    if changes.iter().any(|change| change.path.field() == "name") {
        difference.set.insert(NAME_TAG.to_owned(), name.to_owned());
    }
    difference
}

/// Sets and removes tags of an object.
///
/// # Errors
/// EC2 refused; `codes` says what its codes mean for the object's kind.
pub async fn set_tags(
    ec2: &aws_sdk_ec2::Client,
    id: &str,
    difference: tags::Difference,
    codes: Codes,
) -> Result<()> {
    let tags::Difference { set, remove } = difference;
    if !set.is_empty() {
        let request = ec2.create_tags().resources(id).set_tags(Some(tags::to_ec2(&set)));
        request.send().await.explain("CreateTags", codes)?;
    }
    if !remove.is_empty() {
        remove_tags(ec2, vec![id.to_owned()], &remove, codes).await?;
    }
    Ok(())
}

/// Removes tags of objects, whatever values they have.
///
/// # Errors
/// As of [`set_tags`].
pub async fn remove_tags(
    ec2: &aws_sdk_ec2::Client,
    ids: Vec<String>,
    keys: &[String],
    codes: Codes,
) -> Result<()> {
    // A tag without a value means whatever value it has.
    let keys = keys.iter().map(|key| Tag::builder().key(key).build()).collect();
    let request = ec2.delete_tags().set_resources(Some(ids)).set_tags(Some(keys));
    request.send().await.explain("DeleteTags", codes).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_meant_exactly_has_no_wildcards() {
        let values = exactly("key-name", [r"a*b?c\d".to_owned(), "plain".to_owned()]);
        assert_eq!(values.values(), [r"a\*b\?c\\d", "plain"]);
    }
}
