//! A wire between two programs: a TCP relay of the test's own that can be cut, made silent, or made slow.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

/// What becomes of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It arrives.
    Open,
    /// Connections are closed, and new ones are closed at once.
    Cut,
    /// Connections stand and new ones are made, and nothing arrives: as behind a switch that has lost its power.
    Silent,
    /// It arrives this much later.
    Slow(Duration),
}

#[derive(Clone, Copy)]
struct State {
    flow: Flow,
    target: SocketAddr,
}

/// The wire's own end of the control.
pub(crate) struct Wire {
    /// Where one connects instead of the target.
    pub(crate) address: SocketAddr,
    state: watch::Sender<State>,
}

impl Wire {
    /// Lays a wire to a target.
    pub(crate) async fn lay(network: &Network, target: SocketAddr) -> Self {
        let (state, watched) = watch::channel(State { flow: Flow::Open, target });
        let laid = network.handle.spawn(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("it is bound");
            tokio::spawn(carry(listener, watched));
            address
        });
        Self { address: laid.await.expect("the wire is laid"), state }
    }

    /// From now on.
    pub(crate) fn set(&self, flow: Flow) {
        self.state.send_modify(|state| state.flow = flow);
    }

    /// New connections go to another target; those that stand stay.
    pub(crate) fn aim(&self, target: SocketAddr) {
        self.state.send_modify(|state| state.target = target);
    }
}

async fn carry(listener: TcpListener, mut state: watch::Receiver<State>) {
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((near, _)) = accepted {
                    tokio::spawn(connect(near, state.clone()));
                }
            }
            changed = state.changed() => {
                if changed.is_err() {
                    // The wire is gone, and with it everything on it.
                    return;
                }
            }
        }
    }
}

async fn connect(mut near: TcpStream, mut state: watch::Receiver<State>) {
    let Some(now) = passable(&mut state).await else { return };
    let Ok(mut far) = TcpStream::connect(now.target).await else { return };
    if near.set_nodelay(true).is_err() || far.set_nodelay(true).is_err() {
        return;
    }
    let ((near_in, near_out), (far_in, far_out)) = (near.split(), far.split());
    let mut cut = state.clone();
    tokio::select! {
        () = pump(near_in, far_out, state.clone()) => {}
        () = pump(far_in, near_out, state.clone()) => {}
        _ = cut.wait_for(|now| now.flow == Flow::Cut) => {}
    }
}

/// Waits until something may pass; `None` where nothing ever will on this connection.
async fn passable(state: &mut watch::Receiver<State>) -> Option<State> {
    let now = *state.wait_for(|now| now.flow != Flow::Silent).await.ok()?;
    if let Flow::Slow(delay) = now.flow {
        // No wait for anything: the delay itself is what is injected.
        let _ = tokio::time::timeout(delay, state.wait_for(|now| !matches!(now.flow, Flow::Slow(_)))).await;
    }
    (now.flow != Flow::Cut).then_some(now)
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
) {
    let mut bytes = vec![0; 64 * 1_024];
    loop {
        let Ok(length @ 1..) = from.read(&mut bytes).await else { return };
        if passable(&mut state).await.is_none() || to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}

/// A thread that carries all wires: they outlive the runtime of the test that laid them.
pub(crate) struct Network {
    handle: Handle,
    _until: oneshot::Sender<()>,
}

impl Network {
    /// Starts it; it ends when it is dropped.
    pub(crate) fn start() -> Self {
        let (until, ended) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            tell.send(runtime.handle().clone()).expect("somebody waits for it");
            // An error says the same as a word: whoever held the other end is gone.
            let _ = runtime.block_on(ended);
        });
        Self { handle: told.recv().expect("the thread lives"), _until: until }
    }
}
