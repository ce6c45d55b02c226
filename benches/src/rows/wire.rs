//! The least of an HTTP client: one kept-alive connection, one request after the other. What a whole client costs on the
//! same machine would be counted as the service's.

use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection to a service.
pub(super) struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Wire {
    pub(super) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(4_096) })
    }

    /// Sends a whole request and reads the whole answer; an error unless it is a success.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await?;
        self.received.clear();
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                bail!("the connection ended");
            }
            let Some((head, length)) = head(&self.received)? else { continue };
            if self.received.len() >= head + length {
                let text = String::from_utf8_lossy(&self.received);
                let status = text.split(' ').nth(1).unwrap_or_default();
                return if status.starts_with('2') { Ok(()) } else { bail!("answered {text}") };
            }
        }
    }
}

/// The length of the head, where it is whole, and that of the body it announces.
fn head(received: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&received[..end]).context("a head that is no text")?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    Ok(Some((end + 4, length.context("a body without a length")??)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_says_how_long_the_body_is() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(head(answer).expect("it is good"), Some((answer.len() - 2, 2)));
        assert_eq!(head(b"HTTP/1.1 200 OK\r\ncontent-").expect("it is not whole"), None);
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
