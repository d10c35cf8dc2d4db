//! Which image is meant, where the file does not give its id. It is looked up once: what was last
//! applied says which it was.

use stackwright_engine::kind::{Error, PriorState, Result};
use stackwright_engine::reference;

use super::Instances;
use super::config::{Image, Sought};
use super::observe::filter;
use crate::fault::{Explain, code};

/// Before the name of a parameter.
const SSM: &str = "ssm:";

impl Instances {
    /// The image's id, where it is known, and where it was looked up.
    pub(super) async fn image(
        &self,
        wanted: &Image,
        former: &PriorState,
    ) -> Result<(Option<String>, Option<String>)> {
        let from = match wanted {
            Image::Short(id) => return Ok((Some(id.clone()), None)),
            Image::Long(Sought { ssm, owner, name }) if ssm.is_empty() => {
                format!("{owner}/{name}")
            }
            Image::Long(Sought { ssm, .. }) => format!("{SSM}{ssm}"),
        };
        let id = match former {
            PriorState::Offline => None,
            PriorState::Found(live) => live["image"].as_str().map(str::to_owned),
            PriorState::Applied(spec) if spec["image_from"] == from.as_str() => {
                spec["image"].as_str().map(str::to_owned)
            }
            _ if reference::markers(&from).next().is_some() => None,
            _ => Some(self.look_up(&from).await?),
        };
        Ok((id, Some(from)))
    }

    async fn look_up(&self, from: &str) -> Result<String> {
        match from.strip_prefix(SSM) {
            Some(parameter) => self.image_of_parameter(parameter).await,
            None => self.newest_image(from).await,
        }
    }

    /// The id of the newest image for `OWNER/NAME`.
    async fn newest_image(&self, from: &str) -> Result<String> {
        let (owner, name) = from.split_once('/').unwrap_or(("self", from));
        let request = self.cloud.ec2.describe_images().owners(owner);
        let request = request.filters(filter("name", [name.to_owned()]));
        let request = request.filters(filter("state", ["available".to_owned()]));
        let pages = request.into_paginator().send();
        let pages: Vec<_> = pages.try_collect().await.explain("DescribeImages")?;
        let images = pages.into_iter().flat_map(|page| page.images.unwrap_or_default());
        // ISO 8601: the order of the texts is that of the times.
        let newest =
            images.max_by_key(|image| (image.creation_date.clone(), image.image_id.clone()));
        newest.and_then(|image| image.image_id).ok_or_else(|| {
            Error::terminal(format!("image: {owner} has no image named `{name}` in this region"))
                .with_hint("`aws ec2 describe-images --owners OWNER` lists what there is")
        })
    }

    /// The id that a parameter of Systems Manager holds.
    async fn image_of_parameter(&self, name: &str) -> Result<String> {
        let unknown = |what: String| {
            let hint = format!("`aws ssm get-parameter --name {name}` tells what it holds");
            Err(Error::terminal(format!("image: {what}")).with_hint(hint))
        };
        let reply = match self.cloud.ssm.get_parameter().name(name).send().await {
            Err(error) if code(&error) == Some("ParameterNotFound") => {
                return unknown(format!("there is no parameter `{name}` in this region"));
            }
            sent => sent.explain("GetParameter")?,
        };
        let value = reply.parameter.and_then(|parameter| parameter.value).unwrap_or_default();
        match value.starts_with("ami-") {
            true => Ok(value),
            false => unknown(format!("the parameter `{name}` holds no id of an image")),
        }
    }
}
