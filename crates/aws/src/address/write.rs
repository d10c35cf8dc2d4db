//! Allocates, associates and releases addresses.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::error::ProvideErrorMetadata as _;
use aws_sdk_ec2::types::{DomainType, ResourceType as Taggable};
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Created, Error, Fault, Handle, Live, Memo, Readiness, Result};

use super::observe::{NO_SUCH, outputs};
use super::spec::Spec;
use super::{Addresses, CODES};
use crate::client::SingleAttempt as _;
use crate::ec2;
use crate::fault::{Explain as _, code, explain};

/// How long an instance may take to run: EC2 gives no address to one that is pending.
const STARTING: Duration = Duration::from_secs(300);

impl Addresses {
    pub(super) async fn allocate(&self, spec: &Spec) -> Result<Created<Spec>> {
        let tags = ec2::with_name(&spec.tags, &spec.name);
        let request = self.ec2.allocate_address().domain(DomainType::Vpc);
        let request = request.tag_specifications(ec2::tagged(Taggable::ElasticIp, &tags));
        let reply = request.customize().single_attempt().send().await;
        let reply = reply.explain("AllocateAddress", CODES)?;
        let id = reply.allocation_id.filter(|id| !id.is_empty()).ok_or_else(|| {
            Error::new(Fault::Unknown, "AllocateAddress: the reply names no address")
        })?;
        let live = Live {
            // It leads to no instance yet.
            spec: Spec { instance: Some(String::new()), ..spec.clone() },
            outputs: outputs(&id, &reply.public_ip.unwrap_or_default()),
            fingerprints: BTreeMap::new(),
            identity: None,
            readiness: Readiness::Ready,
            notes: Vec::new(),
            facts: BTreeMap::new(),
            memo: Memo::default(),
        };
        Ok(Created { id, live })
    }

    pub(super) async fn update_address(
        &self,
        on: &Handle<Spec>,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<()> {
        let difference = ec2::tags_with_name(changes, &desired.name);
        ec2::set_tags(&self.ec2, &on.id, difference, CODES).await?;
        if !changes.iter().any(|change| change.path.field() == "instance") {
            return Ok(());
        }
        match desired.instance.as_deref().filter(|instance| !instance.is_empty()) {
            Some(instance) => self.associate(&on.id, instance).await,
            None => self.disassociate(&on.id, on.memo.get(&on.id)).await,
        }
    }

    /// Takes the address from the instance to which it leads now.
    async fn associate(&self, id: &str, instance: &str) -> Result<()> {
        let request = self.ec2.associate_address().allocation_id(id).instance_id(instance);
        match request.allow_reassociation(true).send().await {
            // "The pending instance 'i-…' is not in a valid state for this operation": one that has ended is another
            // matter.
            Err(error)
                if code(&error) == Some("InvalidInstanceID")
                    && error.message().is_some_and(|text| text.contains("pending")) =>
            {
                let fault =
                    Fault::Awaiting { what: "the instance to run".to_owned(), within: STARTING };
                Err(Error { fault, ..explain("AssociateAddress", error, CODES) })
            }
            sent => sent.explain("AssociateAddress", CODES).map(drop),
        }
    }

    /// `known`: the association as it was last read.
    async fn disassociate(&self, id: &str, known: Option<&String>) -> Result<()> {
        let association = match known {
            Some(known) => Some(known.clone()),
            None => self.by_id(id).await?.and_then(|seen| seen.association_id),
        };
        let Some(association) = association else { return Ok(()) };
        let sent = self.ec2.disassociate_address().association_id(association).send().await;
        sent.explain("DisassociateAddress", CODES).map(drop)
    }

    /// EC2 releases no address that leads somewhere.
    pub(super) async fn release_address(&self, handle: &Handle<Spec>) -> Result<()> {
        let id = &handle.id;
        self.disassociate(id, handle.memo.get(id)).await?;
        match self.ec2.release_address().allocation_id(id).send().await {
            Err(error) if code(&error).is_some_and(|code| NO_SUCH.contains(&code)) => Ok(()),
            sent => sent.explain("ReleaseAddress", CODES).map(drop),
        }
    }
}
