//! A service's stream, seen by operators: compared with the journal, and made again from it (`events.md` §3).

use crate::OpenApiRouter;
use crate::access::Permitted;
use crate::command::{Addressed, Command, New, asker};
use crate::house::{Answer, Commanded, House, Shown};
use crate::{Problem, permission};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::{Extension, Json};
use journal::check::{Depth, Kind, Report, check};
use journal::{Bus, Failure};
use kernel::{Aggregate, BranchId, Decision, Fact, Version, refusals};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::marker::PhantomData;
use utoipa::ToSchema;

kernel::id!(
    /// One time that a stream was made again.
    StreamRebuildId, "srb"
);

refusals! {
    /// Nothing is wrong with the stream.
    Sound {} = "stream.sound";
    /// It holds what the journal does not know.
    HoldsOthers {} = "stream.holds_others";
    /// It would be deleted first, and nobody has said that this one is meant.
    Confirm { stream: String } = "stream.confirm";
}

/// Which events of a stream are compared.
pub struct Look<P> {
    depth: Depth,
    permit: PhantomData<P>,
}

impl<P: Permitted> FromRequestParts<House> for Look<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Problem> {
        asker::<P>(house, &parts.headers)?;
        let mut depth = Depth::Sample;
        for (name, value) in crate::query::pairs(parts.uri.query())? {
            if name != "after" {
                return Err(crate::query::unknown(&name));
            }
            let after = value.parse::<i64>().ok().filter(|after| *after >= 0);
            depth = Depth::After(after.ok_or_else(|| crate::query::bad_value(&name))?);
        }
        Ok(Self { depth, permit: PhantomData })
    }
}

#[utoipa::path(
    get, path = "/stream/check",
    params(("after" = Option<i64>, Query, description = "Compare a page of events after this number; a sample where it is missing.")),
    responses((status = 200, description = "What does not agree; `findings` is empty where the stream is clean."))
)]
async fn look(
    house: House,
    Extension(bus): Extension<Bus>,
    look: Look<permission!("stream.read")>,
) -> Result<Json<Report>, Problem> {
    Ok(Json(check(house.pool(), &bus, house.service(), look.depth).await?))
}

/// Makes a stream again that is gone or damaged.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RebuildStream {
    /// The name of the stream that is deleted first; not needed where there is none.
    #[serde(default)]
    pub confirm: Option<String>,
}

impl Addressed for RebuildStream {
    type To = New<StreamRebuildId>;
}

/// A stream that is made again: the relay publishes it anew, with its old numbers.
#[derive(Debug, Clone)]
struct Rebuilt {
    id: StreamRebuildId,
    service: &'static str,
    before: Report,
}

/// A stream that is made again, as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = RebuiltStream)]
pub struct RebuiltView {
    /// Of this one time.
    pub id: StreamRebuildId,
    /// Which stream.
    pub stream: String,
    /// What was wrong with it.
    #[schema(value_type = Object)]
    pub before: Value,
    /// 1.
    pub version: Version,
}

impl Aggregate for Rebuilt {
    type Id = StreamRebuildId;
    const KIND: &'static str = "stream";
    fn id(&self) -> StreamRebuildId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        None
    }
    fn version(&self) -> Version {
        Version::NONE
    }
}

impl Shown for Rebuilt {
    type View = RebuiltView;
    fn view(&self, version: Version) -> RebuiltView {
        let before = serde_json::to_value(&self.before).expect("a report is plain data");
        RebuiltView { id: self.id, stream: self.before.stream.clone(), before, version }
    }
    fn path(&self) -> String {
        format!("/v1/{}/stream/check", self.service)
    }
}

/// Decides whether a stream may be made again; whether it has to be deleted first.
fn decide(report: &Report, command: &RebuildStream) -> Result<Deletion, Refusal> {
    if report.is_clean() {
        return Err(Refusal::Sound {});
    }
    if report.holds_others() {
        return Err(Refusal::HoldsOthers {});
    }
    if report.findings.iter().all(|finding| finding.kind == Kind::Missing) {
        return Ok(Deletion::NotNeeded);
    }
    if command.confirm.as_deref() == Some(report.stream.as_str()) {
        Ok(Deletion::Needed)
    } else {
        Err(Refusal::Confirm { stream: report.stream.clone() })
    }
}

/// Whether there is a stream in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deletion {
    Needed,
    NotNeeded,
}

/// Deletes what is in the way. Its journal can make all of it again: a crash from here on costs nothing but time.
async fn prepare(
    house: &House,
    bus: &Bus,
    cmd: &Command<RebuildStream, permission!("stream.rebuild")>,
) -> Result<Report, Failure> {
    let report = check(house.pool(), bus, house.service(), Depth::Sample).await?;
    let deletion = decide(&report, &cmd.body)?;
    if deletion == Deletion::Needed && !cmd.is_rehearsal() {
        bus.delete(house.service(), report.epoch).await?;
    }
    Ok(report)
}

#[utoipa::path(post, path = "/stream/rebuild", request_body = RebuildStream, responses(Commanded<RebuiltView>))]
async fn rebuild(
    house: House,
    Extension(bus): Extension<Bus>,
    cmd: Command<RebuildStream, permission!("stream.rebuild")>,
) -> Answer<RebuiltView> {
    let service = house.service();
    let prepared = prepare(&house, &bus, &cmd).await;
    house
        .commit(cmd, async |tx, cmd, _now| {
            let before = prepared?;
            journal::relay::compare_anew(tx).await?;
            let data = json!({ "stream": before.stream, "epoch": before.epoch });
            let fact = Fact { event_type: rebuilt(service), version: 0, data, clause: None };
            let decision = Decision::of(Rebuilt { id: cmd.id, service, before }).and_fact(fact);
            tx.record(&decision);
            Ok::<_, Failure>(decision)
        })
        .await
}

/// The type of what happened; it is the service's own, hence no `event!`.
fn rebuilt(service: &str) -> &'static str {
    match service {
        "support" => "support.stream.rebuilt",
        "hr" => "hr.stream.rebuilt",
        "workforce" => "workforce.stream.rebuilt",
        "contracts" => "contracts.stream.rebuilt",
        _ => "edge.stream.rebuilt",
    }
}

/// The room's routes under `/v1/{service}/stream`.
pub(crate) fn routes(service: &'static str, bus: Bus) -> OpenApiRouter<House> {
    let routes = OpenApiRouter::new()
        .routes(crate::routes!(look))
        .routes(crate::routes!(rebuild))
        .layer(Extension(bus));
    OpenApiRouter::new().nest(&format!("/v1/{service}"), routes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use journal::check::Finding;

    fn report(kinds: &[Kind]) -> Report {
        let findings = kinds.iter().map(|kind| Finding { kind: *kind, detail: String::new() }).collect();
        Report {
            service: "edge".to_owned(),
            epoch: 1,
            stream: "STEWARD_EDGE_E1".to_owned(),
            first_seq: 1,
            last_seq: 9,
            messages: 9,
            last_numbered: 9,
            compared: 9,
            next: None,
            findings,
        }
    }

    #[test]
    fn a_stream_is_deleted_only_where_it_is_damaged_named_and_all_the_journals_own() {
        let decided = |kinds: &[Kind], confirm: Option<&str>| {
            decide(&report(kinds), &RebuildStream { confirm: confirm.map(str::to_owned) })
        };
        let name = Some("STEWARD_EDGE_E1");
        assert_eq!(decided(&[], name), Err(Refusal::Sound {}));
        assert_eq!(decided(&[Kind::Missing], None), Ok(Deletion::NotNeeded));
        for others in [Kind::Ahead, Kind::OtherEvent] {
            assert_eq!(decided(&[Kind::Holes, others], name), Err(Refusal::HoldsOthers {}));
        }
        let confirm = Refusal::Confirm { stream: "STEWARD_EDGE_E1".to_owned() };
        for wrong in [None, Some("STEWARD_EDGE_E2"), Some("")] {
            assert_eq!(decided(&[Kind::Holes], wrong), Err(confirm.clone()));
        }
        assert_eq!(decided(&[Kind::Configuration], name), Ok(Deletion::Needed));
    }
}
