//! Imports, changes and deletes key pairs.

use std::collections::BTreeMap;

use aws_sdk_ec2::operation::import_key_pair::builders::ImportKeyPairFluentBuilder;
use aws_sdk_ec2::types::ResourceType as Taggable;
use aws_smithy_types::Blob;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Created, Error, Fault, Handle, Live, Memo, Readiness, Result};

use super::observe::{Tagged, outputs};
use super::spec::Spec;
use super::{CODES, KeyPairs};
use crate::client::SingleAttempt as _;
use crate::ec2;
use crate::fault::{Explain as _, code};
use crate::tags::{self, Difference, Tags};

impl KeyPairs {
    pub(super) async fn import(&self, spec: &Spec) -> Result<Created<Spec>> {
        let reply = self.request(spec).customize().single_attempt().send().await;
        let name = reply.explain("ImportKeyPair", CODES)?.key_name;
        let name = name.filter(|name| !name.is_empty()).ok_or_else(|| {
            Error::new(Fault::Unknown, "ImportKeyPair: the reply names no key pair")
        })?;
        let live = Live {
            // A pending object is observed before it is compared.
            spec: spec.clone(),
            outputs: outputs(&name),
            fingerprints: BTreeMap::new(),
            identity: None,
            // An instance is launched with it once EC2 lists it.
            readiness: Readiness::Pending("the key pair to be known to EC2".to_owned()),
            notes: Vec::new(),
            facts: BTreeMap::new(),
            memo: Memo::default(),
        };
        Ok(Created { id: name, live })
    }

    pub(super) async fn update_key_pair(
        &self,
        on: &Handle<Spec>,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<()> {
        let seen = match on.memo.get::<Tagged>(&on.id) {
            Some(seen) => Some(seen.clone()),
            None => self.tagged(&on.id).await?,
        };
        let difference = tags::difference(changes);
        if changes.iter().any(|change| change.path.field() == "public_key") {
            // The pair is gone at a repetition whose first import failed.
            let tags = seen.map(|seen| seen.tags).unwrap_or_default();
            return self.exchange(tags, desired, difference).await;
        }
        let seen = seen.ok_or_else(|| {
            Error::new(Fault::Conflict, format!("the key pair {} is not there any more", on.id))
        })?;
        ec2::set_tags(&self.ec2, &seen.id, difference, CODES).await
    }

    /// EC2 changes no public key: the pair is deleted and imported again, with the tags of others that it has. A run
    /// that ends between the two leaves a pair that is gone, and the next run imports it.
    async fn exchange(&self, seen: Tags, desired: &Spec, difference: Difference) -> Result<()> {
        let tags = tags_of_next(seen, &desired.tags, &difference);
        let next = Spec { tags, ..desired.clone() };
        self.may_import(&next).await?;
        self.delete_key_pair(&next.name).await?;
        match self.import(&next).await {
            // Whatever came of it, both calls can be repeated.
            Err(error) if matches!(error.fault, Fault::Unknown | Fault::NameTaken) => {
                Err(Error { fault: Fault::Transient, ..error })
            }
            sent => sent.map(drop),
        }
    }

    /// Asks EC2 whether it would take an import, before the pair is deleted for it: credentials may have the right to
    /// delete alone.
    async fn may_import(&self, spec: &Spec) -> Result<()> {
        match self.request(spec).dry_run(true).send().await {
            Err(error) if code(&error) == Some("DryRunOperation") => Ok(()),
            // The check of the name comes first on some endpoints.
            Err(error) if code(&error) == Some("InvalidKeyPair.Duplicate") => Ok(()),
            sent => sent.explain("ImportKeyPair", CODES).map(drop),
        }
    }

    fn request(&self, spec: &Spec) -> ImportKeyPairFluentBuilder {
        let key = spec.public_key.clone().unwrap_or_default();
        let request = self.ec2.import_key_pair().key_name(&spec.name);
        let tags = ec2::tagged(Taggable::KeyPair, &spec.tags);
        request.public_key_material(Blob::new(key)).tag_specifications(tags)
    }

    pub(super) async fn delete_key_pair(&self, name: &str) -> Result<()> {
        match self.ec2.delete_key_pair().key_name(name).send().await {
            Err(error) if code(&error) == Some("InvalidKeyPair.NotFound") => Ok(()),
            sent => sent.explain("DeleteKeyPair", CODES).map(drop),
        }
    }
}

/// Returns the tags of a pair that is imported again: those that it has, with what changes of ours. Tags of AWS itself
/// (`aws:…`) cannot be given.
fn tags_of_next(seen: Tags, desired: &Tags, difference: &Difference) -> Tags {
    let mut tags = seen;
    tags.retain(|key, _| !key.starts_with("aws:") && !difference.remove.contains(key));
    tags.extend(desired.clone());
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_that_is_imported_again_keeps_the_tags_of_others_and_loses_those_of_aws() {
        let tags = |keys: &[&str]| -> Tags {
            keys.iter().map(|key| ((*key).to_owned(), "x".to_owned())).collect()
        };
        let seen = tags(&["aws:cloudformation:stack-name", "theirs", "old"]);
        let difference = Difference { remove: vec!["old".to_owned()], ..Difference::default() };
        assert_eq!(tags_of_next(seen, &tags(&["ours"]), &difference), tags(&["ours", "theirs"]));
    }
}
