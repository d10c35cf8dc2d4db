//! A reply in XML, as a tree of elements.

use xmlparser::{ElementEnd, Token, Tokenizer};

/// An element, without its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Without a prefix.
    pub name: String,
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a document. `None`: it is none.
    pub fn read(text: &str) -> Option<Self> {
        let mut open: Vec<Self> = Vec::new();
        for token in Tokenizer::from(text) {
            match token.ok()? {
                Token::ElementStart { local, .. } => {
                    open.push(Self { name: local.to_string(), ..Self::default() });
                }
                Token::ElementEnd { end: ElementEnd::Close(..) | ElementEnd::Empty, .. } => {
                    let closed = open.pop()?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(closed),
                        None => return Some(closed),
                    }
                }
                Token::Text { text } | Token::Cdata { text, .. } => {
                    if let Some(element) = open.last_mut() {
                        element.text += &unescaped(text.as_str());
                    }
                }
                _ => {}
            }
        }
        None
    }

    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// What the references of XML stand for that replies have.
fn unescaped(text: &str) -> String {
    let references = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#34;", "\""),
        ("&#39;", "'"),
    ];
    let text = references.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_a_tree() {
        let text = "<?xml version=\"1.0\"?>\n<a xmlns=\"x\"><b>1 &lt; 2</b><c/><b>&amp;lt;</b></a>";
        let tree = Element::read(text).expect("a tree");
        let leaf = |name: &str, text: &str| Element {
            name: name.into(),
            text: text.into(),
            children: Vec::new(),
        };
        assert_eq!(tree.children, [leaf("b", "1 < 2"), leaf("c", ""), leaf("b", "&lt;")]);
        assert_eq!(tree.child("c"), Some(&leaf("c", "")));
        for text in ["", "text", "<a>", "<a></b", "{}"] {
            assert_eq!(Element::read(text), None, "{text}");
        }
    }
}
