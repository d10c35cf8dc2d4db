//! Imports, changes and deletes key pairs.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::ResourceType as Taggable;
use aws_smithy_types::Blob;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Created, Error, Fault, Handle, Live, Memo, Readiness, Result};

use super::observe::outputs;
use super::spec::Spec;
use super::{CODES, KeyPairs};
use crate::client::SingleAttempt as _;
use crate::ec2;
use crate::fault::{Explain as _, code};
use crate::tags;

impl KeyPairs {
    pub(super) async fn import(&self, spec: &Spec) -> Result<Created<Spec>> {
        let tags = ec2::tagged(Taggable::KeyPair, &spec.tags);
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
        ec2::set_tags(&self.ec2, &id, tags::difference(changes), CODES).await
    }

    pub(super) async fn delete_key_pair(&self, name: &str) -> Result<()> {
        match self.ec2.delete_key_pair().key_name(name).send().await {
            Err(error) if code(&error) == Some("InvalidKeyPair.NotFound") => Ok(()),
            sent => sent.explain("DeleteKeyPair", CODES).map(drop),
        }
    }
}
