//! Ids of workforce's own things; those that events name stand in the crate `events`.

use kernel::id;

id!(
    /// A compliance paper.
    PaperId, "ppr"
);
id!(
    /// The standing of one worker for one service.
    StandingId, "std"
);
id!(
    /// What a service asks of a worker, as this service knows it.
    KnownServiceId, "ksv"
);
