//! Ids that events name: what one service calls a thing, all others call it too.

use kernel::id;

id!(
    /// A worker (workforce): an employee who may be sent to customers; the same UUID as his employee id.
    WorkerId, "wkr"
);
id!(
    /// A certificate of a worker.
    CertificateId, "crt"
);
id!(
    /// A customer (person).
    CustomerId, "cus"
);
id!(
    /// A household: the persons and addresses a service is rendered to.
    HouseholdId, "hsh"
);
id!(
    /// A telephone call.
    CallId, "cal"
);
id!(
    /// A complaint.
    ComplaintId, "cmp"
);
id!(
    /// A promise of a reply at a time.
    PromiseId, "prm"
);
id!(
    /// A clock that runs for a complaint.
    ClockId, "clk"
);
id!(
    /// A callback (回访).
    CallbackId, "cbk"
);
id!(
    /// A fine against one employee for one complaint.
    PenaltyId, "pen"
);
id!(
    /// A quote.
    QuoteId, "qte"
);
id!(
    /// A contract.
    ContractId, "con"
);
id!(
    /// A visit at a customer's home under a contract.
    VisitId, "vis"
);
id!(
    /// Money collected, or taken back, under a contract.
    CollectionId, "col"
);
id!(
    /// What payroll takes for one fine.
    DeductionId, "ded"
);
id!(
    /// A pay run.
    PayRunId, "run"
);
id!(
    /// A payslip.
    PayslipId, "slp"
);
id!(
    /// A price book: prices of the network or of one branch over a range of days.
    PriceBookId, "pbk"
);
id!(
    /// A retraining order.
    RetrainingId, "rtr"
);
