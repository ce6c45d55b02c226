//! Ids of hr's own things; those that events name stand in the crate `events`.

use kernel::id;

id!(
    /// A range of days in which an employee belongs to a branch.
    AssignmentId, "asg"
);
id!(
    /// A pay profile.
    PayProfileId, "ppf"
);
id!(
    /// A punch on a device.
    PunchId, "pch"
);
id!(
    /// What a device sent at once.
    PunchBatchId, "pbt"
);
id!(
    /// The attendance of a branch in a month.
    AttendanceMonthId, "atm"
);
id!(
    /// The attendance of an employee on a day.
    AttendanceDayId, "att"
);
id!(
    /// A request to correct an attendance day.
    CorrectionId, "cor"
);
id!(
    /// An addition to somebody's pay of a month.
    PayEntryId, "pye"
);
