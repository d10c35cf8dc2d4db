//! Imports, changes and deletes key pairs.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{ResourceType as Taggable, Tag, TagSpecification};
use aws_smithy_types::Blob;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Created, Error, Fault, Handle, Live, Memo, Readiness, Result};

use super::observe::outputs;
use super::spec::Spec;
use super::{CODES, KeyPairs};
use crate::client::SingleAttempt as _;
use crate::fault::{Explain as _, code};
use crate::tags;

impl KeyPairs {
    pub(super) async fn import(&self, spec: &Spec) -> Result<Created<Spec>> {
        let tags = TagSpecification::builder()
            .resource_type(Taggable::KeyPair)
            .set_tags(Some(tags::to_ec2(&spec.tags)))
            .build();
        let key = spec.public_key.clone().unwrap_or_default();
        let request = self.ec2.import_key_pair().key_name(&spec.name);
        let request = request.public_key_material(Blob::new(key)).tag_specifications(tags);
        let reply = request.customize().single_attempt().send().await;
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
        if changes.iter().any(|change| change.path.field() == "public_key") {
            // EC2 changes no public key. Without this run the pair is gone, and the next run imports it.
            self.delete_key_pair(&on.id).await?;
            return self.import(desired).await.map(drop);
        }
        let id = match on.memo.get::<String>(&on.id) {
            Some(id) => id.clone(),
            None => self.id(&on.id).await?.ok_or_else(|| {
                Error::new(Fault::Conflict, format!("the key pair {} is not there any more", on.id))
            })?,
        };
        let tags::Difference { set, remove } = tags::difference(changes);
        if !set.is_empty() {
            let request = self.ec2.create_tags().resources(&id);
            let request = request.set_tags(Some(tags::to_ec2(&set)));
            request.send().await.explain("CreateTags", CODES)?;
        }
        if !remove.is_empty() {
            // A tag without a value means whatever value it has.
            let keys = remove.iter().map(|key| Tag::builder().key(key).build()).collect();
            let request = self.ec2.delete_tags().resources(&id).set_tags(Some(keys));
            request.send().await.explain("DeleteTags", CODES)?;
        }
        Ok(())
    }

    pub(super) async fn delete_key_pair(&self, name: &str) -> Result<()> {
        match self.ec2.delete_key_pair().key_name(name).send().await {
            Err(error) if code(&error) == Some("InvalidKeyPair.NotFound") => Ok(()),
            sent => sent.explain("DeleteKeyPair", CODES).map(drop),
        }
    }
}
