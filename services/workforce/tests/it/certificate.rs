//! Certificates through HTTP: W1, W5, W10, E4; one paper, one certificate.

use crate::scene::{BRANCH, ELSEWHERE, EMPLOYEE, Scene, WORKER};
use events::ComplaintId;
use events::hr::{EmployeeLeft, Position};
use events::support::{ComplaintFindingReversed, ComplaintUpheld, Severity};
use house::Role;
use serde_json::{Value, json};
use testkit::Who;
use uuid::Uuid;

const PATH: &str = "/v1/workforce/certificates";

fn issue(paper: &str, level: &str) -> Value {
    json!({ "paper_id": paper, "service_codes": ["MATERNITY"], "level": level })
}

#[tokio::test(flavor = "multi_thread")]
async fn w1_an_overlap_is_refused_by_the_database() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    let first = scene.certified("2026-03-01", "2027-03-01").await;
    let overlapping = scene.licence("2027-02-28", Some("2028-02-28")).await;
    let refused = scene.headquarters.create(PATH, issue(&overlapping, "middle")).await;
    refused.refused(409, "workforce.certificate_overlap", Some("P1-1"));
    scene.headquarters.create(PATH, issue(&overlapping, "senior")).await.expect(201);
    scene.certified("2027-03-01", "2028-03-01").await;
    let path = format!("{PATH}/{}", first["id"].as_str().expect("an id"));
    scene
        .headquarters
        .command(&format!("{path}/suspend"), 1, json!({ "cause": "administrative" }))
        .await
        .expect(200);
    let again = scene.licence("2026-04-01", Some("2026-05-01")).await;
    let refused = scene.headquarters.create(PATH, issue(&again, "middle")).await;
    refused.refused(409, "workforce.certificate_overlap", Some("P1-1"));
    scene.headquarters.command(&format!("{path}/revoke"), 2, json!({})).await.expect(200);
    scene.headquarters.create(PATH, issue(&again, "middle")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_two_issues_at_once_for_one_paper_make_one_certificate() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    let paper = scene.licence("2026-03-01", Some("2027-03-01")).await;
    let one = async || scene.headquarters.create(PATH, issue(&paper, "middle")).await;
    let (a, b) = tokio::join!(one(), one());
    let (won, lost) = if a.status.as_u16() == 201 { (a, b) } else { (b, a) };
    won.expect(201);
    lost.refused(409, "workforce.certificate_paper_used", Some("P1-1"));
    assert_eq!(scene.count("workforce.certificate.issued").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn w5_a_code_resolves_for_ever_to_the_truth() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    let worker = format!("/v1/workforce/workers/{WORKER}");
    scene.manager.tell(&worker, "card", json!({ "name": "王小明" })).await.expect(200);
    let issued = scene.certified("2026-03-01", "2027-03-01").await;
    let path = format!("{PATH}/{}", issued["id"].as_str().expect("an id"));
    let code = issued["verification_code"].as_str().expect("a code");
    let stranger = scene.platform.stranger();
    let check = async || stranger.get(&format!("{PATH}/check/{code}")).await.expect(200);
    assert_eq!(check().await["state"], "not_yet_valid");
    scene.platform.at("2026-03-01T02:00:00Z").await;
    let seen = check().await;
    assert_eq!(
        (&seen["state"], &seen["is_valid"], &seen["name"]),
        (&json!("active"), &json!(true), &json!("王**"))
    );
    assert!(seen["checked_at"].as_str().is_some_and(|at| at.starts_with("2026-03-01T02:00:")), "{seen}");
    let text = seen.to_string();
    assert!(!text.contains("crt_") && !text.contains("wkr_") && !text.contains("ppr_"), "no ids: {text}");
    let held = scene.headquarters.command(&format!("{path}/suspend"), 1, json!({ "cause": "conduct" })).await;
    held.expect(200);
    assert_eq!(
        (check().await["state"].clone(), check().await["is_valid"].clone()),
        (json!("suspended"), json!(false))
    );
    let renewal = scene.licence("2026-03-01", None).await;
    let renew = scene.headquarters.command(&format!("{path}/renew"), 2, json!({ "paper_id": renewal })).await;
    renew.refused(409, "workforce.certificate_suspended", Some("P1-1"));
    let twice =
        scene.headquarters.command(&format!("{path}/suspend"), 2, json!({ "cause": "conduct" })).await;
    twice.refused(409, "workforce.certificate_suspended", Some("P1-1"));
    scene.headquarters.command(&format!("{path}/reinstate"), 2, json!({})).await.expect(200);
    assert_eq!(check().await["state"], "active");
    scene.headquarters.command(&format!("{path}/revoke"), 3, json!({})).await.expect(200);
    for at in ["2026-04-01T00:00:00Z", "2030-01-01T00:00:00Z"] {
        scene.platform.at(at).await;
        assert_eq!(
            (check().await["state"].clone(), check().await["is_valid"].clone()),
            (json!("revoked"), json!(false))
        );
    }
    let back = scene.headquarters.command(&format!("{path}/reinstate"), 4, json!({})).await;
    back.refused(409, "workforce.certificate_revoked", Some("P1-1"));
    let unknown = stranger.get(&format!("{PATH}/check/00000-00000-0000")).await;
    let unknown = unknown.refused(404, "workforce.verification_code_wrong", None);
    let nonsense = stranger.get(&format!("{PATH}/check/nonsense")).await;
    let nonsense = nonsense.refused(404, "workforce.verification_code_wrong", None);
    for member in ["code", "messages", "params", "status"] {
        assert_eq!(unknown[member], nonsense[member], "nobody learns which it was");
    }
    stranger.get(&path).await.refused(401, "access.unauthenticated", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn e4_renewal_begins_at_the_old_end_and_only_once() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    let issued = scene.certified("2026-03-01", "2027-03-01").await;
    let path = format!("{PATH}/{}", issued["id"].as_str().expect("an id"));
    scene.platform.at("2027-02-01T02:00:00Z").await;
    let (paper, second) = (scene.licence("2027-01-01", None).await, scene.licence("2027-01-01", None).await);
    let renewed = scene
        .headquarters
        .command(&format!("{path}/renew"), 2, json!({ "paper_id": paper }))
        .await
        .expect(200);
    assert_eq!(renewed["valid"], json!({ "from": "2027-03-01", "to": "2028-03-01" }));
    assert_eq!(renewed["supersedes"], issued["id"]);
    assert_ne!(renewed["verification_code"], issued["verification_code"]);
    let again = scene.headquarters.command(&format!("{path}/renew"), 2, json!({ "paper_id": second })).await;
    again.refused(409, "workforce.certificate_overlap", Some("P1-1"));
    assert_eq!(scene.count("workforce.certificate.renewed").await, 1);
    assert_eq!(scene.standing("MATERNITY").await["level"], "middle", "the old one holds to its own end");
    scene.platform.at("2027-02-22T02:00:00Z").await;
    scene.platform.at("2027-03-01T02:00:00Z").await;
    let [soon, over] = ["workforce.certificate.expiring", "workforce.certificate.expired"];
    assert_eq!(scene.types(&path).await, ["workforce.certificate.issued", soon, soon, over]);
    assert_eq!(scene.count(over).await, 1, "the one that follows has just begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_and_what_a_certificate_rests_on() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    let paper = scene.licence("2026-03-01", Some("2027-03-01")).await;
    scene.manager.create(PATH, issue(&paper, "middle")).await.refused(403, "access.forbidden", None);
    let trainer = scene.platform.client(&Who::branch(40, Role::TR, ELSEWHERE));
    trainer.create(PATH, issue(&paper, "middle")).await.refused(404, "resource.not_found", None);
    let own = scene.platform.client(&Who::branch(41, Role::TR, BRANCH).employed_as(EMPLOYEE));
    own.create(PATH, issue(&paper, "middle")).await.refused(409, "sod.certificate.own", Some("P1-1"));
    let none = json!({ "paper_id": paper, "service_codes": ["NOBODY"], "level": "middle" });
    let refused = scene.headquarters.create(PATH, none).await;
    refused.refused(422, "workforce.certificate_service_unknown", Some("P1-1"));
    let fresh = scene.registered(json!({ "paper": "licence" }), "2026-03-01", None).await;
    let fresh = fresh.rsplit('/').next().expect("an id");
    let refused = scene.headquarters.create(PATH, issue(fresh, "middle")).await;
    refused.refused(409, "workforce.certificate_paper_not_verified", Some("P1-1"));
    let health = scene.paper(json!({ "health": "general" }), "2026-03-01", None).await;
    let health = health.rsplit('/').next().expect("an id");
    let refused = scene.headquarters.create(PATH, issue(health, "middle")).await;
    refused.refused(409, "workforce.certificate_paper_kind", Some("P1-1"));
    let issued = scene.headquarters.create(PATH, issue(&paper, "middle")).await.expect(201);
    let void =
        scene.manager.command(&format!("/v1/workforce/compliance-papers/{paper}/void"), 2, json!({})).await;
    void.refused(409, "workforce.paper_has_certificate", Some("P1-1"));
    let types = scene.types(&format!("{PATH}/{}", issued["id"].as_str().expect("an id"))).await;
    assert_eq!(types, ["workforce.certificate.issued"]);
    scene.clerk.get(&format!("{PATH}?state=valid")).await.refused(400, "request.schema", None);
    let listed = scene.clerk.get(&format!("{PATH}?worker_id={WORKER}")).await.expect(200);
    assert_eq!(listed["data"][0]["id"], issued["id"]);
    let history = scene.clerk.get(&format!("{PATH}/{}/history", issued["id"].as_str().expect("an id"))).await;
    assert_eq!(history.expect(200)["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn three_people_make_a_certificate_and_an_agent_sees_no_code() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    let paper = scene.licence("2026-03-01", Some("2027-03-01")).await;
    for who_brought_or_checked in [10, 20] {
        let trainer = scene.platform.client(&Who::branch(who_brought_or_checked, Role::TR, BRANCH));
        let refused = trainer.create(PATH, issue(&paper, "middle")).await;
        refused.refused(409, "sod.certificate.own_paper", Some("P1-1"));
    }
    assert_eq!(scene.count("workforce.certificate.issued").await, 0);
    let trainer = scene.platform.client(&Who::branch(40, Role::TR, BRANCH));
    let issued = trainer.create(PATH, issue(&paper, "middle")).await.expect(201);
    let path = format!("{PATH}/{}", issued["id"].as_str().expect("an id"));
    let agent = scene.platform.client(&Who::branch(50, Role::CA, BRANCH));
    let own = scene.platform.client(&Who::network(51, Role::SE).employed_as(EMPLOYEE));
    let seen = agent.get(&path).await.expect(200);
    assert_eq!(seen["stored"], issued["stored"]);
    let listed = agent.get(PATH).await.expect(200)["data"][0].clone();
    for member in ["verification_code", "paper_id"] {
        assert!(seen.get(member).is_none() && listed.get(member).is_none(), "{seen} {listed}");
        assert_eq!(own.get(&path).await.expect(200)[member], issued[member], "his own card");
        assert_eq!(scene.manager.get(&path).await.expect(200)[member], issued[member]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn w5_the_public_is_not_told_valid_of_somebody_who_may_not_be_sent() {
    let scene = Scene::start("2026-03-15T02:00:00Z").await;
    let issued = scene.certified("2026-03-01", "2027-03-01").await;
    let code = issued["verification_code"].as_str().expect("a code");
    let stranger = scene.platform.stranger();
    let check = async || {
        let seen = stranger.get(&format!("{PATH}/check/{code}")).await.expect(200);
        assert_eq!(seen["state"], "active", "the certificate itself holds all the time");
        (seen["worker_state"].clone(), seen["is_valid"].clone(), seen["name"].clone())
    };
    let told = |state: &str, is_valid: bool| (json!(state), json!(is_valid), json!(""));
    assert_eq!(
        check().await,
        told("active", true),
        "nobody wrote his card, and the check answers all the same"
    );
    let complaint_id = ComplaintId::of(Uuid::from_u128(1));
    let upheld = ComplaintUpheld {
        complaint_id,
        worker_id: None,
        employee_id: Some(EMPLOYEE),
        contract_id: None,
        visit_id: None,
        severity: Severity::S3,
        service_code: None,
        share_pct: 100,
    };
    scene.happens(upheld).await;
    scene.platform.drain().await;
    assert_eq!(check().await, told("suspended", false), "a complaint that names only the employee");
    let employee_id = Some(EMPLOYEE);
    scene.happens(ComplaintFindingReversed { complaint_id, worker_id: None, employee_id }).await;
    scene.platform.drain().await;
    assert_eq!(check().await, told("active", true));
    let (position, effective_on) = (Position::CareWorker, "2026-03-15".parse().expect("a literal"));
    scene.happens(EmployeeLeft { employee_id: EMPLOYEE, position, branch_id: BRANCH, effective_on }).await;
    scene.platform.drain().await;
    assert_eq!(check().await, told("left", false));
}

#[tokio::test(flavor = "multi_thread")]
async fn w7_two_levels_and_the_one_that_is_revoked_turns_the_light_red() {
    let scene = Scene::start("2026-03-15T02:00:00Z").await;
    scene.basics().await;
    scene.paper(json!({ "health": "maternal_infant" }), "2026-01-01", None).await;
    scene.certified("2026-03-01", "2027-03-01").await;
    let senior = scene.licence("2026-03-01", Some("2027-03-01")).await;
    let senior = scene.headquarters.create(PATH, issue(&senior, "senior")).await.expect(201);
    let visit = async || scene.eligible("MATERNITY", "2026-04-01T01:00:00Z", "2026-04-01T09:00:00Z").await;
    assert_eq!(visit().await["eligible"], true);
    let path = format!("{PATH}/{}/revoke", senior["id"].as_str().expect("an id"));
    scene.platform.at("2026-03-16T02:00:00Z").await;
    scene.headquarters.command(&path, 1, json!({})).await.expect(200);
    assert_eq!(
        (visit().await["light"].clone(), visit().await["reasons"].clone()),
        (json!("red"), json!(["certificate_revoked"]))
    );
    let standing = scene.standing("MATERNITY").await;
    let last = standing["intervals"].as_array().and_then(|all| all.last()).expect("one");
    assert_eq!(last["light"], "red", "{standing:#}");
    scene.platform.at("2026-03-17T02:00:00Z").await;
    let again = scene.licence("2026-03-01", Some("2027-03-01")).await;
    scene.headquarters.create(PATH, issue(&again, "senior")).await.expect(201);
    assert_eq!(visit().await["eligible"], true, "he earned another one since");
}
