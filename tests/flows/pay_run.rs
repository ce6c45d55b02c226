//! Runs of two months through HTTP, database and bus: hr.md §6 and H1–H7.

use crate::office::{BRANCH, Office, employee, penalty};
use house::Role;
use kernel::BranchId;
use serde_json::{Value, json};
use testkit::Who;
use uuid::Uuid;

fn yuan<const N: usize>(amounts: [&str; N]) -> Vec<String> {
    amounts.iter().map(|amount| (*amount).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e16_the_cap_takes_oldest_first_and_the_rest_next_month() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    for (id, fen, day) in [(1, 50_000, "2025-10-08"), (2, 30_000, "2025-10-15"), (3, 20_000, "2025-10-20")] {
        office.at(day).await;
        office.fined(id, 1, fen).await;
    }
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-11-03").await;
    let run = office.calculated("2025-10").await;
    assert_eq!(
        office.balance(1).await,
        yuan(["0.00", "0.00", "0.00", "500.00", "0.00", "0.00"]),
        "only approve posts"
    );
    let approved = office.approve(&run).await;
    assert_eq!(approved["totals"]["net"]["amount"], "3200.00");
    let slip = office.slip(1, "2025-10").await;
    assert_eq!((&slip["gross"]["amount"], &slip["cap"]["amount"]), (&json!("4000.00"), &json!("800.00")));
    assert_eq!(office.lines(&slip, "fine").await, ["-500.00", "-300.00"]);
    assert_eq!(office.balance(3).await, yuan(["0.00", "0.00", "0.00", "200.00", "0.00", "0.00"]));

    office.close_month("2025-11", 1, &[]).await;
    office.at("2025-12-03").await;
    let run = office.calculated("2025-11").await;
    office.approve(&run).await;
    let next = office.slip(1, "2025-11").await;
    assert_eq!(office.lines(&next, "fine").await, ["-200.00"]);
    assert_eq!(office.balance(3).await, yuan(["200.00", "0.00", "0.00", "0.00", "0.00", "0.00"]));
    // H1, H2 and the way back from a clause to its money.
    assert_eq!(office.slip(1, "2025-10").await, slip, "an issued slip stays as it was");
    let lines = office.clerk.get("/v1/hr/lines?clause=P6.6-1&kind=fine").await.expect(200);
    assert_eq!(lines["data"].as_array().map(Vec::len), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e17_h_e20_the_floor_binds_then_the_reversed_fine_comes_back() {
    let office = Office::open().await;
    office.hire(1, 300_000).await;
    office.fined(1, 1, 50_000).await;
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-11-03").await;
    let run = office.calculated("2025-10").await;
    office.approve(&run).await;
    let slip = office.slip(1, "2025-10").await;
    assert_eq!(office.lines(&slip, "fine").await, ["-310.00"]);
    assert_eq!(slip["net"]["amount"], "2690.00");
    assert_eq!(office.balance(1).await, yuan(["310.00", "0.00", "0.00", "190.00", "0.00", "0.00"]));

    office.reversed(1, 1, 2, 0).await;
    assert_eq!(office.balance(1).await, yuan(["310.00", "0.00", "310.00", "0.00", "0.00", "500.00"]));
    office.close_month("2025-11", 1, &[]).await;
    office.at("2025-12-03").await;
    let run = office.calculated("2025-11").await;
    office.approve(&run).await;
    let next = office.slip(1, "2025-11").await;
    assert_eq!(
        (office.lines(&next, "refund").await, office.lines(&next, "fine").await),
        (yuan(["310.00"]), vec![])
    );
    assert_eq!(next["net"]["amount"], "3310.00");
    assert_eq!(office.balance(1).await, yuan(["310.00", "310.00", "0.00", "0.00", "0.00", "500.00"]));
    // The state after each step can be audited from the feed (H5).
    let types: Vec<String> =
        sqlx::query_scalar("SELECT type FROM journal WHERE aggregate = 'deduction' ORDER BY aggversion")
            .fetch_all(office.platform.pool("hr"))
            .await
            .expect("the journal");
    assert_eq!(
        types,
        ["opened", "posted", "deferred", "reversed", "refunded"]
            .map(|what| format!("hr.deduction.{what}.v1"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e21_h_e35_a_fine_reduced_on_appeal() {
    let office = Office::open().await;
    office.hire(1, 300_000).await;
    office.hire(2, 300_000).await;
    office.fined(1, 1, 50_000).await;
    office.fined(2, 2, 50_000).await;
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-11-03").await;
    let run = office.calculated("2025-10").await;
    office.approve(&run).await;
    // H-E21: to 200; H-E35: to 400, a new fine of 100, and a gross of 3,200.
    office.reversed(1, 1, 2, 20_000).await;
    assert_eq!(office.balance(1).await, yuan(["310.00", "0.00", "110.00", "0.00", "0.00", "300.00"]));
    office.reversed(2, 2, 2, 40_000).await;
    assert_eq!(office.balance(2).await, yuan(["310.00", "0.00", "0.00", "90.00", "0.00", "100.00"]));
    office.fined(3, 2, 10_000).await;
    office
        .sql(
            "INSERT INTO pay_entry (id, employee_id, month, kind, amount_fen, reason, state, author_user, approver_user, approved_at, version)
             VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000002', '2025-11-01', 'bonus', 20000, 'x', 'approved',
                     '00000000-0000-0000-0000-000000000050', '00000000-0000-0000-0000-000000000051', now(), 2)",
        )
        .await;
    office.close_month("2025-11", 1, &[]).await;
    office.at("2025-12-03").await;
    let run = office.calculated("2025-11").await;
    office.approve(&run).await;
    let first = office.slip(1, "2025-11").await;
    assert_eq!(office.lines(&first, "refund").await, ["110.00"]);
    let second = office.slip(2, "2025-11").await;
    assert_eq!(second["gross"]["amount"], "3200.00");
    assert_eq!(office.lines(&second, "refund").await, Vec::<String>::new());
    assert_eq!(office.lines(&second, "fine").await, ["-90.00", "-100.00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e19_a_fine_reversed_before_the_run_leaves_no_line() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    office.at("2025-10-10").await;
    office.fined(1, 1, 20_000).await;
    office.at("2025-10-20").await;
    office.reversed(1, 1, 2, 0).await;
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-11-03").await;
    let run = office.calculated("2025-10").await;
    office.approve(&run).await;
    let slip = office.slip(1, "2025-10").await;
    assert_eq!((&slip["net"]["amount"], office.lines(&slip, "fine").await), (&json!("4000.00"), vec![]));
    assert_eq!(
        office.balance(1).await,
        yuan(["0.00", "0.00", "0.00", "0.00", "0.00", "200.00"]),
        "the register shows both"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e32_h_e33_what_comes_after_the_calculation_and_a_replay_of_everything() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    office.fined(1, 1, 20_000).await;
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-10-31").await;
    let run = office.calculated("2025-10").await;
    let before = office.clerk.get(&run).await.expect(200);
    assert_eq!(office.clerk.get(&format!("{run}/news")).await.expect(200)["data"], json!([]));

    office.fined(2, 1, 10_000).await;
    let news = office.clerk.get(&format!("{run}/news")).await.expect(200);
    assert_eq!(news["data"], json!([{ "employee_id": employee(1), "what": ["deduction"] }]));
    office.clerk.tell(&run, "calculate", json!({})).await.expect(200);
    let slip = office.slip(1, "2025-10").await;
    assert_eq!(office.lines(&slip, "fine").await, ["-200.00", "-100.00"]);
    let again = office.clerk.get(&run).await.expect(200);
    assert_ne!(again["hash"], before["hash"]);

    // The whole stream again, then the same calculation: the same hash, to the fen (H3, H-E32).
    office.sql("UPDATE reader SET seq = 0, event_id = NULL WHERE source = 'support'").await;
    office.fined(3, 99, 10_000).await;
    office.clerk.tell(&run, "calculate", json!({})).await.expect(200);
    assert_eq!(office.clerk.get(&run).await.expect(200)["hash"], again["hash"]);

    // After the approval a fine of the month waits for the next run (H7).
    office.approve(&run).await;
    let news = office.clerk.get(&format!("{run}/news")).await.expect(200);
    assert_eq!(news["data"], json!([]), "what the approval itself wrote is no news");
    office.fined(4, 1, 5_000).await;
    let late = office.clerk.get(&format!("/v1/hr/deductions?penalty_id={}", penalty(4))).await.expect(200);
    assert_eq!(
        (&late["data"][0]["month"], &late["data"][0]["open"]["amount"]),
        (&json!("2025-11"), &json!("50.00"))
    );
    office.clerk.tell(&run, "calculate", json!({})).await.refused(
        409,
        "hr.pay_run.wrong_state",
        Some("P6.6-1"),
    );
    office.clerk.tell(&run, "cancel", json!({})).await.refused(409, "hr.pay_run.wrong_state", Some("P6.6-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e36_lateness_absence_and_a_fine_under_one_cap_each_line_explained() {
    let office = Office::open().await;
    office.hire(1, 500_000).await;
    office
        .sql(
            "UPDATE pay_profile SET valid = '[2025-01-01,2025-11-17)';
             INSERT INTO pay_profile (id, employee_id, valid, kind, base_fen, state, author_user, approver_user, approved_at, version)
             SELECT gen_random_uuid(), employee_id, '[2025-11-17,)', 'salaried', 560000, 'approved', author_user, approver_user, now(), 2 FROM pay_profile",
        )
        .await;
    office.at("2025-11-10").await;
    office.fined(1, 1, 70_000).await;
    let days =
        [("2025-11-05", "late"), ("2025-11-12", "late"), ("2025-11-18", "late"), ("2025-11-19", "absent")];
    office.close_month("2025-11", 1, &days).await;
    office.at("2025-12-03").await;
    let run = office.calculated("2025-11").await;
    office.approve(&run).await;
    let slip = office.slip(1, "2025-11").await;
    assert_eq!((&slip["gross"]["amount"], &slip["cap"]["amount"]), (&json!("5042.53"), &json!("1008.50")));
    assert_eq!(office.lines(&slip, "lateness").await, ["-50.00", "-50.00", "-280.00"]);
    assert_eq!(office.lines(&slip, "fine").await, ["-628.50"]);
    assert_eq!(office.balance(1).await, yuan(["628.50", "0.00", "0.00", "71.50", "0.00", "0.00"]));

    let lines = office.explained(&slip).await;
    let fine = lines.iter().find(|line| line["kind"] == "fine").expect("a fine");
    let chain: Vec<&str> =
        fine["chain"].as_array().expect("a chain").iter().filter_map(|link| link["what"].as_str()).collect();
    assert_eq!(chain, ["deduction", "support.penalty.confirmed", "complaint", "call"]);
    assert_eq!(fine["rule"]["clause"], "P6.6-1");
    let late = lines.iter().find(|line| line["kind"] == "lateness").expect("a late day");
    assert_eq!(late["chain"][0]["what"], "attendance_day");
    assert_eq!(late["formula"]["en"], "2025-11-05 late, number 1 of the month: 5000.00 × 1 % = 50.00");
    let of_clause = office.clerk.get("/v1/hr/lines?clause=P6.7-1").await.expect(200);
    assert_eq!(of_clause["data"].as_array().map(Vec::len), Some(3));
    // H2: the lines are the net, the branches are the run.
    let run = office.clerk.get(&run).await.expect(200);
    assert_eq!(run["totals"]["branches"], json!([{ "branch_id": BRANCH, "net": slip["net"] }]));

    // H9: his own slip, and nobody else's; no line for a manager.
    let own = office
        .platform
        .client(&Who::branch(60, Role::SE, BranchId::of(Uuid::from_u128(9))).employed_as(employee(1)));
    let other = office.platform.client(&Who::branch(61, Role::SE, BRANCH).employed_as(employee(2)));
    let path = format!("/v1/hr/payslips/{}", slip["id"].as_str().expect("an id"));
    assert_eq!(own.get(&path).await.expect(200)["net"], slip["net"]);
    other.get(&path).await.refused(404, "resource.not_found", None);
    other.get(&format!("{path}/explain")).await.refused(404, "resource.not_found", None);
    other.command(&format!("{path}/confirm"), 1, json!({})).await.refused(404, "resource.not_found", None);
    let manager = office.platform.client(&Who::branch(62, Role::BM, BRANCH));
    assert_eq!(manager.get("/v1/hr/payslips").await.expect(200)["data"], json!([]));
    own.command(&format!("{path}/object"), 1, json!({ "reason": " " })).await.refused(
        422,
        "hr.payslip.reason_missing",
        Some("P6.6-1"),
    );
    own.command(&format!("{path}/object"), 1, json!({ "reason": "11-05 I was there" })).await.expect(200);
    own.command(&format!("{path}/object"), 2, json!({ "reason": "x" })).await.refused(
        409,
        "hr.payslip.already_answered",
        Some("P6.6-1"),
    );
    assert_eq!(own.command(&format!("{path}/confirm"), 2, json!({})).await.expect(200)["state"], "confirmed");
    let answers = office.told("payslip").await;
    let types: Vec<&str> = answers.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(types, ["hr.payslip.issued", "hr.payslip.objected", "hr.payslip.confirmed"]);
    assert_eq!(
        answers[0].1["penalties"],
        json!([penalty(1)]),
        "events.md §9: each fine line leads to its fine"
    );
    assert!(!answers[1].1.to_string().contains("there"), "no free text in an event");
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one story of two months, told in order")]
async fn h_e31_h4_who_may_approve_and_whom_an_exception_holds_up() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    office.hire(2, 400_000).await;
    // Somebody without a pay profile is nobody else's problem.
    office.sql("DELETE FROM pay_profile WHERE employee_id = '00000000-0000-0000-0000-000000000002'").await;
    office.at("2025-11-03").await;
    let opened = office
        .clerk
        .create("/v1/hr/pay-runs", json!({ "month": "2025-10", "branches": [BRANCH] }))
        .await
        .expect(201);
    let run = format!("/v1/hr/pay-runs/{}", opened["id"].as_str().expect("an id"));
    let open_again =
        office.clerk.create("/v1/hr/pay-runs", json!({ "month": "2025-10", "branches": [BRANCH] })).await;
    open_again.refused(409, "hr.pay_run.already_open", Some("P6.6-1"));
    let ahead =
        office.clerk.create("/v1/hr/pay-runs", json!({ "month": "2025-12", "branches": [BRANCH] })).await;
    ahead.refused(422, "hr.pay_run.month_ahead", Some("P6.6-1"));
    let twice = office
        .clerk
        .create("/v1/hr/pay-runs", json!({ "month": "2025-09", "branches": [BRANCH, BRANCH] }))
        .await;
    twice.refused(422, "hr.pay_run.wrong_scope", Some("P6.6-1"));
    let unopened =
        office.clerk.create("/v1/hr/pay-runs", json!({ "month": "2024-11", "branches": [BRANCH] })).await;
    unopened.refused(422, "hr.pay_run.before_opening", Some("P6.6-1"));
    let early = office
        .clerk
        .create("/v1/hr/pay-runs", json!({ "month": "2024-12", "branches": [BRANCH] }))
        .await
        .expect(201);
    let early = format!("/v1/hr/pay-runs/{}", early["id"].as_str().expect("an id"));
    office.clerk.tell(&early, "calculate", json!({})).await.refused(409, "hr.pay_run.nobody", Some("P6.6-1"));
    assert_eq!(office.clerk.tell(&early, "cancel", json!({})).await.expect(200)["state"], "cancelled");
    let refused = office.clerk.tell(&run, "calculate", json!({})).await;
    assert_eq!(
        refused.refused(409, "hr.pay_run.attendance_open", Some("P6.2-4"))["params"]["branches"],
        json!([BRANCH])
    );
    office.close_month("2025-10", 1, &[]).await;
    let calculated = office.clerk.tell(&run, "calculate", json!({})).await.expect(200);
    assert_eq!((&calculated["totals"]["slips"], &calculated["totals"]["blocked"]), (&json!(1), &json!(1)));
    let exceptions = office.clerk.get(&format!("{run}/exceptions")).await.expect(200);
    assert_eq!(exceptions["data"][0]["exceptions"][0]["exception"], "profile_missing");
    let hq = office.platform.client(&Who::network(70, Role::HQ));
    hq.get(&format!("{run}/exceptions")).await.refused(403, "access.forbidden", None);
    assert_eq!(hq.get(&run).await.expect(200)["totals"]["net"]["amount"], "4000.00");

    office.approver.tell(&run, "approve", json!({})).await.refused(
        409,
        "hr.pay_run.wrong_state",
        Some("P6.6-1"),
    );
    office.clerk.tell(&run, "review", json!({})).await.expect(200);
    office.clerk.tell(&run, "approve", json!({})).await.refused(403, "access.forbidden", None);
    // The same account with the other role, and whoever wrote a profile in it.
    let preparer = office.platform.client(&Who::branch(30, Role::PA, BRANCH));
    preparer.tell(&run, "approve", json!({})).await.refused(409, "sod.pay_run.preparer", Some("R6"));
    let author = office.platform.client(&Who::branch(0x50, Role::PA, BRANCH));
    author.tell(&run, "approve", json!({})).await.refused(409, "sod.pay_run.own_input", Some("R6"));
    assert_eq!(office.clerk.get(&run).await.expect(200)["state"], "reviewed", "no refusal changed anything");
    office.approver.tell(&run, "approve", json!({})).await.expect(200);
    office.approver.tell(&run, "pay", json!({})).await.expect(200);
    assert_eq!(office.clerk.tell(&run, "close", json!({})).await.expect(200)["state"], "closed");

    let types: Vec<String> = office.told("pay_run").await.into_iter().map(|(kind, _)| kind).collect();
    let told = [
        "hr.payrun.calculated",
        "hr.payrun.reviewed",
        "hr.payrun.approved",
        "hr.payrun.paid",
        "hr.payrun.closed",
    ];
    assert_eq!(types[0], "hr.payrun.opened");
    assert_eq!(types[2], "hr.payrun.cancelled");
    assert_eq!(types[3..], told);

    // A rule does not change for a month that was paid.
    let headquarters = [71, 72].map(|user| office.platform.client(&Who::network(user, Role::HQ)));
    let terms =
        headquarters[0].get("/v1/hr/policies?kind=pay").await.expect(200)["data"][0]["parameters"].clone();
    let draft = json!({ "kind": "pay", "valid_from": "2025-11-04", "parameters": terms, "reason": "x" });
    let drafted = headquarters[0].create("/v1/hr/policies", draft).await.expect(201);
    let policy = format!("/v1/hr/policies/{}", drafted["id"].as_str().expect("an id"));
    office.sql("UPDATE pay_run SET month = '2025-11-01' WHERE state = 'closed'").await;
    headquarters[1].tell(&policy, "approve", json!({})).await.refused(
        409,
        "hr.pay_run.policy_month_approved",
        Some("P3.4-4"),
    );
    office.sql("UPDATE pay_run SET month = '2025-10-01' WHERE state = 'closed'").await;
    headquarters[1].tell(&policy, "approve", json!({})).await.expect(200);

    // The one who was held up is paid by a further run of the month, and nobody twice (H1).
    office
        .sql(
            "INSERT INTO pay_profile (id, employee_id, valid, kind, base_fen, state, author_user, approver_user, approved_at, version)
             VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000002', '[2025-01-01,)', 'salaried', 400000, 'approved',
                     '00000000-0000-0000-0000-000000000050', '00000000-0000-0000-0000-000000000051', now(), 2)",
        )
        .await;
    let further = office.calculated("2025-10").await;
    let approved = office.approve(&further).await;
    assert_eq!(
        (&approved["totals"]["slips"], &approved["totals"]["net"]["amount"]),
        (&json!(1), &json!("4000.00"))
    );
    let net: Vec<Value> = vec![office.slip(1, "2025-10").await, office.slip(2, "2025-10").await];
    assert_eq!((&net[0]["run_id"], &net[1]["run_id"]), (&opened["id"], &approved["id"]));
    let changed =
        sqlx::query("UPDATE payslip SET net_fen = net_fen + 1, gross_fen = gross_fen + 1 WHERE is_issued")
            .execute(office.platform.pool("hr"))
            .await;
    assert!(changed.is_err(), "the table itself keeps an issued slip");
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e29_a_late_day_excused_after_the_month_was_paid_is_a_line_of_the_next_run() {
    let office = Office::open().await;
    office.hire(1, 600_000).await;
    let days = [("2025-10-13", "late"), ("2025-10-14", "late"), ("2025-10-15", "late")];
    office.close_month("2025-10", 1, &days).await;
    office.at("2025-11-03").await;
    let run = office.calculated("2025-10").await;
    office.approve(&run).await;
    let slip = office.slip(1, "2025-10").await;
    assert_eq!(office.lines(&slip, "lateness").await, ["-60.00", "-60.00", "-300.00"]);

    // What the correction room leaves behind after an approved correction.
    office
        .sql(
            "INSERT INTO correction (id, day_id, employee_id, branch_id, day, kind, reason, state, requester_user, decider_user, decided_at, version)
             SELECT '00000000-0000-0000-0000-0000000000c1', id, employee_id, branch_id, day, 'excuse_lateness', 'x', 'approved',
                    '00000000-0000-0000-0000-000000000050', '00000000-0000-0000-0000-000000000051', now(), 2
             FROM attendance_day WHERE day = '2025-10-15';
             UPDATE attendance_day SET result = 'excused', correction_id = '00000000-0000-0000-0000-0000000000c1', version = 2 WHERE day = '2025-10-15';
             INSERT INTO attendance_adjustment (correction_id, day_id, employee_id, branch_id, day, month, old_result, old_late_minutes, new_result, new_late_minutes, approved_at)
             SELECT correction_id, id, employee_id, branch_id, day, '2025-10-01', 'late', 10, 'excused', 10, now() FROM attendance_day WHERE day = '2025-10-15'",
        )
        .await;
    office.close_month("2025-11", 1, &[]).await;
    office.at("2025-12-03").await;
    let run = office.calculated("2025-11").await;
    office.approve(&run).await;
    let next = office.slip(1, "2025-11").await;
    assert_eq!(office.lines(&next, "adjustment").await, ["300.00"]);
    assert_eq!(next["net"]["amount"], "6300.00");
    let lines = office.explained(&next).await;
    let adjustment = lines.iter().find(|line| line["kind"] == "adjustment").expect("the correction");
    assert_eq!(adjustment["source"]["slip"], slip["id"], "it links to the slip it corrects");
    assert_eq!(office.slip(1, "2025-10").await, slip, "the paid slip is unchanged");

    // Once is enough.
    office.close_month("2025-12", 1, &[]).await;
    office.at("2026-01-05").await;
    let run = office.calculated("2025-12").await;
    office.approve(&run).await;
    let last = office.slip(1, "2025-12").await;
    assert_eq!(office.lines(&last, "adjustment").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn h3_killed_and_resumed_in_other_chunks_gives_the_same_hash_and_reads_nothing_newer() {
    let office = Office::open().await;
    for id in 1..=5 {
        office.hire(id, 400_000).await;
        office.fined(id, id, 10_000).await;
    }
    office.close_month("2025-10", 1, &[("2025-10-13", "late")]).await;
    office.at("2025-10-31").await;
    let run = office.calculated("2025-10").await;
    let whole = office.clerk.get(&run).await.expect(200);

    // As if the machine had stopped after the second of five chunks; the freeze is there, and so is a newer fine.
    office
        .sql(
            "DELETE FROM payslip s WHERE (SELECT count(*) FROM payslip o WHERE o.employee_id < s.employee_id) >= 2;
             UPDATE run_input i SET chunk = (SELECT count(*) FROM run_input o WHERE o.employee_id < i.employee_id);
             UPDATE run_freeze SET chunks = 5;
             INSERT INTO run_chunk SELECT run_id, attempt, 1 FROM run_freeze;
             UPDATE pay_run SET state = 'draft', attempt = 0, preparer_user = NULL, calculated_at = NULL, policy_version = NULL, hash = NULL, slips = NULL,
                    blocked = NULL, gross_fen = NULL, lateness_fen = NULL, lateness_waived_fen = NULL, penalties_fen = NULL, refunds_fen = NULL,
                    adjustments_fen = NULL, net_fen = NULL",
        )
        .await;
    office.fined(6, 1, 5_000).await;
    let resumed = office.clerk.tell(&run, "calculate", json!({})).await.expect(200);
    assert_eq!((&resumed["hash"], &resumed["totals"]), (&whole["hash"], &whole["totals"]));
    assert_eq!(
        office.clerk.get(&format!("{run}/news")).await.expect(200)["data"].as_array().map(Vec::len),
        Some(1)
    );
    let again = office.clerk.tell(&run, "calculate", json!({})).await.expect(200);
    assert_ne!(again["hash"], whole["hash"], "calculated again it takes what is new");
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_what_is_left_of_a_leavers_fine_is_written_off_with_his_last_run_and_listed() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    office.fined(1, 1, 100_000).await;
    office
        .sql(
            "UPDATE employee SET state = 'left', left_on = '2025-11-01' WHERE name = 'E1';
             UPDATE employment SET valid = '[2025-01-01,2025-11-01)'; UPDATE assignment SET valid = '[2025-01-01,2025-11-01)'",
        )
        .await;
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-11-03").await;
    // After his last day, while his last run is open: it goes there; when that is approved, nothing is left to take from.
    office.fined(2, 1, 1_000).await;
    let run = office.calculated("2025-10").await;
    office.approve(&run).await;
    assert_eq!(office.balance(1).await, yuan(["800.00", "0.00", "0.00", "0.00", "200.00", "0.00"]));
    assert_eq!(office.balance(2).await, yuan(["0.00", "0.00", "0.00", "0.00", "10.00", "0.00"]));
    office.fined(3, 1, 2_000).await;
    assert_eq!(office.balance(3).await, yuan(["0.00", "0.00", "0.00", "0.00", "20.00", "0.00"]));
    let lost = office.clerk.get("/v1/hr/deductions?write_off=unrecoverable").await.expect(200);
    assert_eq!(lost["data"].as_array().map(Vec::len), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn h1_a_run_that_another_one_has_overtaken_is_calculated_again() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    office.fined(1, 1, 20_000).await;
    office.close_month("2025-10", 1, &[]).await;
    office.close_month("2025-11", 1, &[]).await;
    office.at("2025-12-03").await;
    let october = office.calculated("2025-10").await;
    let november = office.calculated("2025-11").await;
    office.approve(&october).await;
    office.clerk.tell(&november, "review", json!({})).await.expect(200);
    let refused = office.approver.tell(&november, "approve", json!({})).await;
    refused.refused(409, "hr.pay_run.paid_meanwhile", Some("P6.6-1"));
    assert_eq!(office.balance(1).await, yuan(["200.00", "0.00", "0.00", "0.00", "0.00", "0.00"]));
    office.clerk.tell(&november, "calculate", json!({})).await.expect(200);
    office.approve(&november).await;
    let slip = office.slip(1, "2025-11").await;
    assert_eq!((&slip["net"]["amount"], office.lines(&slip, "fine").await), (&json!("4000.00"), vec![]));
}
