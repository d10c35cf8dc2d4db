//! Writes reports into `docs/performance.md`, each between its marks, and as JSON beside the build.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::Result;
use crate::machine::Machine;
use crate::report::Report;

/// The page with the figures.
pub const PAGE: &str = "docs/performance.md";

/// Writes the figures as JSON into the target folder. Returns the file.
///
/// # Errors
/// The file cannot be written.
pub fn save(report: &Report, machine: &Machine, target: &Path) -> Result<PathBuf> {
    let folder = target.join("bench");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}.json", report.subset));
    let mut document = report.json();
    document["machine"] = json!(machine.lines());
    fs::write(&file, format!("{document:#}\n"))?;
    Ok(file)
}

/// Writes the figures into the page.
///
/// # Errors
/// The page cannot be written, or has no place for the subset.
pub fn write(report: &Report, machine: &Machine, page: &Path) -> Result<()> {
    let text = fs::read_to_string(page)?;
    let measured = format!("{}\n\n{}", machine.sentence(), report.markdown().trim_end());
    let text = replaced(&text, report.subset, &measured)
        .ok_or_else(|| format!("{}: there is no place for `{}`", page.display(), report.subset))?;
    Ok(fs::write(page, text)?)
}

/// The page with other figures between the marks of a subset. `None`: it does not have these marks.
fn replaced(page: &str, subset: &str, figures: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {subset} -->\n"), format!("\n<!-- /{subset} -->"));
    let start = page.find(&begin)? + begin.len();
    // The end of the first mark may begin the second one.
    let rest = &page[start - 1..];
    let behind = &rest[rest.find(&end)?..];
    Some(format!("{}\n{figures}\n{behind}", &page[..start]))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;
    use crate::task::Subset;

    #[test]
    fn figures_are_replaced_between_their_marks() {
        let page =
            "# A\n\n<!-- a -->\n<!-- /a -->\n\ntext\n\n<!-- b -->\n\nold\n\n<!-- /b -->\nend\n";
        let first = replaced(page, "a", "1").expect("marks");
        let second = replaced(&first, "b", "2").expect("marks");
        let expected = "# A\n\n<!-- a -->\n\n1\n\n<!-- /a -->\n\ntext\n\n<!-- b -->\n\n2\n\n<!-- /b -->\nend\n";
        assert_eq!(second, expected);
        assert_eq!(replaced(&second, "b", "2"), Some(second.clone()));
        assert_eq!(replaced(page, "c", "3"), None);
    }

    #[test]
    fn the_page_has_a_place_for_every_subset() {
        let page = fs::read_to_string(crate::machine::root().join(PAGE)).expect("the page");
        let subsets = Subset::measured();
        let values = subsets.iter().filter_map(|subset| subset.to_possible_value());
        for value in values {
            assert!(replaced(&page, value.get_name(), "").is_some(), "{value:?}");
        }
    }
}
