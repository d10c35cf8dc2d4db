//! Bodies of answers: whole, or breaking off. The end of a body can be reported.

use std::io;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Response, header};
use hyper::body::{Body, Frame, SizeHint};

use super::Call;
use super::rules::Answer;

pub struct Reply {
    /// Still to be sent.
    bytes: Bytes,
    breaks: Break,
    notify: Option<(mpsc::Sender<Call>, Call)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Break {
    Never,
    AfterBytes,
    /// The bytes have been sent.
    Now,
}

impl Reply {
    pub fn whole(bytes: Bytes) -> Self {
        Self { bytes, breaks: Break::Never, notify: None }
    }

    /// Reports the call when the body has been sent.
    pub fn notifying(mut self, paused: mpsc::Sender<Call>, call: Call) -> Self {
        self.notify = Some((paused, call));
        self
    }

    /// The length is announced, `length` bytes at most are sent, and the connection breaks.
    pub fn broken(answer: Answer, length: usize) -> Response<Self> {
        let announced = answer.body().len().max(length + 1);
        let breaks = Break::AfterBytes;
        let mut answer = answer.map(|body| {
            let bytes = body.slice(..length.min(body.len()));
            Self { bytes, breaks, notify: None }
        });
        answer.headers_mut().insert(header::CONTENT_LENGTH, announced.into());
        answer
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.breaks {
            Break::Never => Poll::Ready(None),
            Break::AfterBytes => {
                self.breaks = Break::Now;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Break::Now => Poll::Ready(Some(Err(io::Error::other("broken off by the test")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.breaks == Break::Never && self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.breaks {
            Break::Never => SizeHint::with_exact(self.bytes.len() as u64),
            _ => SizeHint::default(),
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some((sender, call)) = self.notify.take() {
            let _ = sender.send(call);
        }
    }
}
