//! What so many branches need, and which limit comes first.

use super::day::{Queue, minutes, peak, queue};
use super::{Inputs, Measured, Reading};
use crate::figure::per_mille;

/// Every simulated day begins with this seed.
const SEED: u64 = 11;

/// What one service needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// `hr`.
    pub service: String,
    /// Journal rows on an average day.
    pub rows_per_day: u64,
    /// Journal rows in a year.
    pub rows_per_year: u64,
    /// The journal with its indexes, for as long as it is kept, in megabytes (10⁶).
    pub journal_megabytes: u64,
    /// The stream, one copy, for as long as it is kept, in megabytes.
    pub stream_megabytes: u64,
    /// Events in the busiest second of the busiest day, in thousandths.
    pub peak_thousandths: u64,
    /// Processes.
    pub processes: u64,
    /// Connections of all of them.
    pub connections: u64,
    /// Memory of all of them, in KiB.
    pub memory_kib: u64,
}

/// Something that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Commits a second of the machine that holds all four databases.
    SharedCommits,
    /// Disk of that machine.
    SharedDisk,
    /// Connections of one PostgreSQL for all.
    SharedConnections,
    /// Commits a second of a service's own machine.
    OwnCommits,
    /// Disk of a service's own machine.
    OwnDisk,
    /// Connections of a service's own PostgreSQL.
    OwnConnections,
    /// One relay: it numbers one after the other.
    Numbering,
    /// One relay and one stream: it publishes one after the other.
    Publishing,
    /// One reader of one source.
    Reading,
}

/// How much of a limit is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Which limit.
    pub limit: Limit,
    /// Of which service, or `all`; of a reader `hr ← contracts`.
    pub of: String,
    /// In per mille of the limit, at the peak.
    pub per_mille: u64,
    /// Up to how many branches it is enough, with what must stay free; where the use grows with the branches.
    pub enough_for: u64,
}

/// One reader on the busiest day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// Who reads.
    pub service: String,
    /// Whom.
    pub source: String,
    /// What became of its queue.
    pub queue: Queue,
    /// How many seconds it needs to catch up with a whole average day, while the next one goes on; nothing where it never
    /// does.
    pub catch_up_seconds: Option<u64>,
}

/// What so many branches need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How many.
    pub branches: u64,
    /// By service, in the order of their names.
    pub needs: Vec<Need>,
    /// The most used first.
    pub uses: Vec<Use>,
    /// By reader.
    pub lags: Vec<Lag>,
}

/// Reckons it.
pub fn plan(inputs: &Inputs, branches: u64) -> Plan {
    let needs: Vec<Need> =
        inputs.services().into_iter().map(|service| need(inputs, service, branches)).collect();
    let lags = inputs.reader.iter().map(|reading| lag(inputs, branches, reading)).collect();
    let mut uses = uses(inputs, branches, &needs);
    uses.sort_by(|one, other| other.per_mille.cmp(&one.per_mille).then_with(|| one.of.cmp(&other.of)));
    Plan { branches, needs, uses, lags }
}

/// Events of a service on an average day.
fn rows_per_day(inputs: &Inputs, service: &str, branches: u64) -> u64 {
    let thousandths = inputs.flow.iter().filter(|flow| flow.service == service).map(|flow| {
        let driver = inputs.driver.get(&flow.driver);
        driver.map_or(0, |driver| driver.per_branch_day_thousandths) * flow.events_thousandths
    });
    branches * thousandths.sum::<u64>() / 1_000_000
}

fn need(inputs: &Inputs, service: &str, branches: u64) -> Need {
    let Inputs { measured, assumed, .. } = inputs;
    let rows_per_day = rows_per_day(inputs, service, branches);
    let kept = rows_per_day * assumed.days_kept.value;
    let peak_thousandths = peak(&minutes(inputs, service, branches));
    // A process that is half used has room for a peak within the peak.
    let each = measured.http_per_second.value * assumed.used_per_mille.value;
    let processes = peak_thousandths.div_ceil(each.max(1)).max(assumed.processes.value);
    Need {
        service: service.to_owned(),
        rows_per_day,
        rows_per_year: rows_per_day * 365,
        journal_megabytes: kept * measured.journal_row_bytes.value / 1_000_000,
        stream_megabytes: kept * measured.stream_event_bytes.value / 1_000_000,
        peak_thousandths,
        processes,
        connections: processes * measured.connections_per_process.value,
        memory_kib: processes * measured.service_kib.value,
    }
}

/// Events a second that a reader gets through, with its mix of declared types and others.
fn gets_through(measured: &Measured, reading: &Reading) -> u64 {
    let each = |per_mille: u64, rate: u64| (per_mille * 1_000_000).checked_div(rate).unwrap_or(u64::MAX);
    let declared = each(reading.declared_per_mille, measured.applied_per_second.value);
    let others = each(1_000 - reading.declared_per_mille, measured.passed_per_second.value);
    1_000_000_000_u64.checked_div(declared.saturating_add(others)).unwrap_or_default()
}

fn lag(inputs: &Inputs, branches: u64, reading: &Reading) -> Lag {
    let per_second = gets_through(&inputs.measured, reading);
    let day = minutes(inputs, &reading.source, branches);
    let rows = rows_per_day(inputs, &reading.source, branches);
    // What is left of the reader beside the events that go on arriving.
    let spare_per_day = (per_second * 86_400).saturating_sub(rows);
    Lag {
        service: reading.service.clone(),
        source: reading.source.clone(),
        queue: queue(&day, per_second, SEED),
        catch_up_seconds: (rows * 86_400).checked_div(spare_per_day),
    }
}

fn uses(inputs: &Inputs, branches: u64, needs: &[Need]) -> Vec<Use> {
    let Inputs { measured, assumed, .. } = inputs;
    let usage = |limit, of: &str, used: u64, whole: u64| {
        let per_mille = per_mille(used, whole);
        let enough_for = (branches * assumed.used_per_mille.value).checked_div(per_mille).unwrap_or(u64::MAX);
        Use { limit, of: of.to_owned(), per_mille, enough_for }
    };
    let disk = assumed.disk_gigabytes.value * 1_000;
    let commits = measured.commits_per_second.value * 1_000;
    let total = |pick: fn(&Need) -> u64| needs.iter().map(pick).sum::<u64>();
    // All services share the worst second: the busiest hours of a network are the same ones.
    let mut uses = vec![
        usage(Limit::SharedCommits, "all", total(|need| need.peak_thousandths), commits),
        usage(Limit::SharedDisk, "all", total(|need| need.journal_megabytes), disk),
        usage(Limit::SharedConnections, "all", total(|need| need.connections), assumed.connections.value),
    ];
    for need in needs {
        let of = need.service.as_str();
        let peak = need.peak_thousandths;
        uses.push(usage(Limit::OwnCommits, of, peak, commits));
        uses.push(usage(Limit::OwnDisk, of, need.journal_megabytes, disk));
        uses.push(usage(Limit::OwnConnections, of, need.connections, assumed.connections.value));
        uses.push(usage(Limit::Numbering, of, peak, measured.numbered_per_second.value * 1_000));
        uses.push(usage(Limit::Publishing, of, peak, measured.published_per_second.value * 1_000));
        for reading in inputs.reader.iter().filter(|reading| reading.source == of) {
            let name = format!("{} ← {of}", reading.service);
            uses.push(usage(Limit::Reading, &name, peak, gets_through(measured, reading) * 1_000));
        }
    }
    uses
}

#[cfg(test)]
mod tests {
    use super::super::sample::inputs;
    use super::*;

    fn find<'a>(plan: &'a Plan, limit: Limit, of: &str) -> &'a Use {
        plan.uses.iter().find(|one| one.limit == limit && one.of == of).expect("every limit is looked at")
    }

    #[test]
    fn a_reader_gets_through_by_its_mix() {
        // Half of them at 300 a second, half at 1,500: 1 / (0.5/300 + 0.5/1,500) = 500.
        let inputs = inputs();
        assert_eq!(gets_through(&inputs.measured, &inputs.reader[0]), 500);
    }

    #[test]
    fn a_service_needs_what_its_events_need() {
        let plan = plan(&inputs(), 1_000);
        assert_eq!(plan.needs.len(), 2);
        // 1,000 branches × 100 sales × 5 events; × 365; × 400 days × 2 kB = 400 GB; × 1 kB = 200 GB.
        // The peak: 1,000 × 100 × 5 × 2 on the busiest day, 36 % of them in an hour: 360,000 / 3,600 = 100 a second.
        // A process answers 400, half of that is used: one would do, two there are. 25 connections and 30,000 KiB each.
        let shop = Need {
            service: "shop".to_owned(),
            rows_per_day: 500_000,
            rows_per_year: 182_500_000,
            journal_megabytes: 400_000,
            stream_megabytes: 200_000,
            peak_thousandths: 100_000,
            processes: 2,
            connections: 50,
            memory_kib: 60_000,
        };
        assert_eq!(plan.needs[1], shop);
        // A tenth of the events.
        assert_eq!((plan.needs[0].rows_per_day, plan.needs[0].peak_thousandths), (50_000, 10_000));
    }

    #[test]
    fn what_is_used_most_comes_first() {
        let plan = plan(&inputs(), 1_000);
        // 440 of 1,000 GB; half of it may be used, so it is enough for 1,000 × 500 / 440 = 1,136 branches.
        let first = Use { limit: Limit::SharedDisk, of: "all".to_owned(), per_mille: 440, enough_for: 1_136 };
        assert_eq!(plan.uses[0], first);
        assert_eq!(find(&plan, Limit::OwnDisk, "shop").per_mille, 400);
        // 110 of 1,000 commits a second; 100 of a service's own.
        assert_eq!(find(&plan, Limit::SharedCommits, "all").per_mille, 110);
        assert_eq!(find(&plan, Limit::OwnCommits, "shop").enough_for, 5_000);
        // 100 of 10,000, of 20,000 and of 500 a second.
        assert_eq!(find(&plan, Limit::Numbering, "shop").per_mille, 10);
        assert_eq!(find(&plan, Limit::Publishing, "shop").per_mille, 5);
        assert_eq!(find(&plan, Limit::Reading, "desk ← shop").per_mille, 200);
        // 100 of 400.
        assert_eq!(find(&plan, Limit::SharedConnections, "all").per_mille, 250);
    }

    #[test]
    fn ten_times_the_branches_use_ten_times_as_much_and_more_processes() {
        let plan = plan(&inputs(), 10_000);
        // 1,000 a second, 200 of each process.
        assert_eq!((plan.needs[1].processes, plan.needs[1].connections), (5, 125));
        assert_eq!(find(&plan, Limit::Reading, "desk ← shop").per_mille, 2_000);
        assert_eq!(find(&plan, Limit::Reading, "desk ← shop").enough_for, 2_500);
        // Twice as much as it applies, for an hour: 500 × 3,600 wait at its end, for an hour.
        let lag = &plan.lags[0];
        assert!(lag.queue.longest.abs_diff(1_800_000) < 10_000, "{lag:?}");
        assert!(lag.queue.wait_ms.abs_diff(3_600_000) < 20_000, "{lag:?}");
        // A day's 5,000,000 beside 500 × 86,400 − 5,000,000 = 38,200,000 a day: 11,308 s.
        assert_eq!(lag.catch_up_seconds, Some(11_308));
        // A hundred times: more than a day's work in a day.
        assert_eq!(super::plan(&inputs(), 100_000).lags[0].catch_up_seconds, None);
    }
}
