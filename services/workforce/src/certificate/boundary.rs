//! A certificate begins or ends: the level its worker reaches for a service may be another one from then on.

use super::{BOUNDARY, store};
use crate::standing;
use events::CertificateId;
use journal::{Due, Failure, Tx};

/// Computes the worker's standings, and waits for the next boundary.
pub(crate) async fn due(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    let issued = store::load(tx, CertificateId::of(due.reference)).await?;
    if let Some(at) = issued.next_boundary(tx.now()) {
        tx.schedule(BOUNDARY, issued.certificate.id, at).await?;
    }
    Ok(standing::recompute(tx, &[issued.certificate.worker_id]).await?)
}
