//! Numbering: committed rows get their numbers and their links of the audit chain, against what the database needs to put
//! as many pairs of numbers into a table by itself.

use super::{Scale, publishing::number_all};
use crate::figure::{Figure, Goal, Round, Unit};
use crate::load::rate;
use crate::stage::{Home, Stage};
use anyhow::Result;
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Ours,
    Plain,
    Keyed,
}

pub(super) async fn measure(stage: &Stage, scale: &Scale) -> Result<Vec<Figure>> {
    let (alpha, _) = stage.homes().await?;
    alpha.make_journal(scale.numbered).await?;
    let (mut plain, mut keyed) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        let (mut ours, mut limits) = (0, (0, 0));
        for side in scale.turn(round, [Side::Ours, Side::Plain, Side::Keyed]) {
            alpha.unnumber().await?;
            alpha.settle().await?;
            let elapsed = match side {
                Side::Ours => number_all(&alpha).await?,
                Side::Plain => copy(&alpha, "CREATE TABLE limit_order (seq bigint, id bigint)").await?,
                Side::Keyed => {
                    copy(&alpha, "CREATE TABLE limit_order (seq bigint PRIMARY KEY, id bigint UNIQUE)")
                        .await?
                }
            };
            let rate = rate(scale.numbered.try_into()?, elapsed);
            match side {
                Side::Ours => ours = rate,
                Side::Plain => limits.0 = rate,
                Side::Keyed => limits.1 = rate,
            }
        }
        plain.push(Round { candidate: ours, limit: Some(limits.0) });
        keyed.push(Round { candidate: ours, limit: Some(limits.1) });
    }
    let figure = |against, goal, rounds, notes| Figure {
        row: "numbering",
        what: "rows numbered, chained and remembered",
        against,
        unit: Unit::PerSecond,
        goal,
        rounds,
        notes,
    };
    let note = format!("{} rows each round.", crate::figure::grouped(scale.numbered.try_into()?));
    Ok(vec![
        figure("`INSERT … SELECT` into two columns without a key", Goal::AtLeast(600), plain, vec![note]),
        figure("the same into two columns, each with its key", Goal::Reported, keyed, Vec::new()),
    ])
}

/// The database by itself: one statement, one transaction.
async fn copy(home: &Home, table: &'static str) -> Result<Duration> {
    home.run(table).await?;
    let begun = Instant::now();
    home.run("INSERT INTO limit_order (seq, id) SELECT row_number() OVER (ORDER BY id), id FROM journal")
        .await?;
    let elapsed = begun.elapsed();
    home.run("DROP TABLE limit_order").await?;
    Ok(elapsed)
}
