//! Connections of the listener: one whose client does not read is ended.
//!
//! An answer waits for its client in the connection's buffers, and what the answer is made from waits behind it. Nobody
//! may hold that for as long as he likes (`operations.md` §2, slow clients), least of all when the service shall stop.

use axum::serve::Listener;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How long a client may take to make room for more.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same once the service shall stop.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// A listener whose connections are attended.
pub(crate) struct Attended {
    listener: TcpListener,
    stop: CancellationToken,
}

impl Attended {
    /// Of this listener, until the token is cancelled.
    pub(crate) const fn new(listener: TcpListener, stop: CancellationToken) -> Self {
        Self { listener, stop }
    }
}

impl Listener for Attended {
    type Io = Connection<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Connection::new(stream, PATIENCE, &self.stop), address)
    }

    fn local_addr(&self) -> Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection whose writes fail once its client has not read for a while.
pub(crate) struct Connection<S> {
    stream: S,
    patience: Duration,
    /// Since when nothing could be written: ready when that is too long.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Gone once it was cancelled.
    stopping: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl<S> Connection<S> {
    fn new(stream: S, patience: Duration, stop: &CancellationToken) -> Self {
        let stopping = Some(Box::pin(stop.clone().cancelled_owned()));
        Self { stream, patience, stalled: None, stopping }
    }

    /// What a write came to; an error where it has been waiting for too long.
    fn attend<T>(&mut self, context: &mut Context<'_>, written: Poll<Result<T>>) -> Poll<Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let is_stopping =
            self.stopping.as_mut().is_none_or(|stopping| stopping.as_mut().poll(context).is_ready());
        if is_stopping && self.stopping.take().is_some() {
            self.patience = self.patience.min(LAST_PATIENCE);
            self.stalled = None;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.attend(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.attend(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.attend(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.stream).poll_shutdown(context);
        this.attend(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    /// A connection with room for eight bytes, and its client.
    fn connection(patience: Duration, stop: &CancellationToken) -> (Connection<DuplexStream>, DuplexStream) {
        let (stream, client) = duplex(8);
        (Connection::new(stream, patience, stop), client)
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_given_up() {
        let stop = CancellationToken::new();
        let (mut connection, _client) = connection(Duration::from_millis(50), &stop);
        let error = connection.write_all(&[0; 9]).await.expect_err("there is no room for the last byte");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_reads_slowly_is_not() {
        let stop = CancellationToken::new();
        let (mut connection, mut client) = connection(Duration::from_secs(60), &stop);
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            client.read_to_end(&mut all).await.map(|_| all)
        });
        connection.write_all(&[7; 9_999]).await.expect("it is read");
        connection.shutdown().await.expect("it is read");
        drop(connection);
        assert_eq!(reading.await.expect("no panic").expect("it is read"), [7; 9_999]);
    }

    #[tokio::test]
    async fn once_the_service_stops_nobody_is_waited_for_for_long() {
        let stop = CancellationToken::new();
        let (mut connection, _client) = connection(Duration::from_secs(3_600), &stop);
        let writing = tokio::spawn(async move { connection.write_all(&[0; 9]).await });
        stop.cancel();
        let error = writing.await.expect("no panic").expect_err("there is no room for the last byte");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}
