//! Looks up the image of a file that does not give its id. It is looked up once: the applied spec says
//! which image was found.

use stackwright_engine::kind::{Error, PriorState, Result};
use stackwright_engine::reference;

use super::config::{Image, ImageLookup};
use super::service::{CODES, Instances};
use super::spec::ResolvedImage;
use crate::ec2::filter;
use crate::fault::{Explain, code};

/// The prefix of a parameter's name.
const SSM: &str = "ssm:";

impl Instances {
    pub(super) async fn image(&self, wanted: &Image, prior: &PriorState) -> Result<ResolvedImage> {
        let from = match wanted {
            Image::Short(id) => return Ok(ResolvedImage { id: Some(id.clone()), from: None }),
            Image::Long(ImageLookup { ssm, owner, name }) if ssm.is_empty() => {
                format!("{owner}/{name}")
            }
            Image::Long(ImageLookup { ssm, .. }) => format!("{SSM}{ssm}"),
        };
        let id = match prior {
            PriorState::Offline => None,
            PriorState::Found(live) => live["image"].as_str().map(str::to_owned),
            PriorState::Applied(spec) if spec["image_from"] == from.as_str() => {
                spec["image"].as_str().map(str::to_owned)
            }
            _ if reference::markers(&from).next().is_some() => None,
            _ => Some(self.look_up(&from).await?),
        };
        Ok(ResolvedImage { id, from: Some(from) })
    }

    async fn look_up(&self, from: &str) -> Result<String> {
        match from.strip_prefix(SSM) {
            Some(parameter) => self.image_of_parameter(parameter).await,
            None => self.newest_image(from).await,
        }
    }

    /// Returns the id of the newest image for `OWNER/NAME`.
    async fn newest_image(&self, from: &str) -> Result<String> {
        let (owner, name) = from.split_once('/').unwrap_or(("self", from));
        let request = self.ec2.describe_images().owners(owner);
        let request = request.filters(filter("name", [name.to_owned()]));
        let request = request.filters(filter("state", ["available".to_owned()]));
        let pages = request.into_paginator().send();
        let pages: Vec<_> = pages.try_collect().await.explain("DescribeImages", CODES)?;
        let images = pages.into_iter().flat_map(|page| page.images.unwrap_or_default());
        // ISO 8601: texts sort like times.
        let newest =
            images.max_by_key(|image| (image.creation_date.clone(), image.image_id.clone()));
        newest.and_then(|image| image.image_id).ok_or_else(|| {
            Error::terminal(format!("image: {owner} has no image named `{name}` in this region"))
                .with_hint("`aws ec2 describe-images --owners OWNER` lists all images")
        })
    }

    /// Returns the image id that a Systems Manager parameter contains.
    async fn image_of_parameter(&self, name: &str) -> Result<String> {
        let unknown = |what: String| {
            let hint = format!("`aws ssm get-parameter --name {name}` prints its value");
            Err(Error::terminal(format!("image: {what}")).with_hint(hint))
        };
        let reply = match self.ssm.get_parameter().name(name).send().await {
            Err(error) if code(&error) == Some("ParameterNotFound") => {
                return unknown(format!("there is no parameter `{name}` in this region"));
            }
            sent => sent.explain("GetParameter", CODES)?,
        };
        let value = reply.parameter.and_then(|parameter| parameter.value).unwrap_or_default();
        if value.starts_with("ami-") {
            Ok(value)
        } else {
            unknown(format!("the parameter `{name}` does not contain an image id"))
        }
    }
}
