//! Making a contract of an accepted quote: its prices and standards are those of the quote (P7).

use super::shown::Payment;
use super::{
    Contract, ContractLine, ContractNumber, ContractView, FeeSplit, Instalment, Line, PassThrough, Refusal,
    State, store, sums,
};
use crate::price;
use crate::quote::{self, Quote};
use chrono::NaiveDate;
use events::{ContractId, QuoteId, event};
use house::{Addressed, Answer, Command, Commanded, House, New, permission};
use journal::{Failure, RefuseOn};
use kernel::{Decision, Fen, Money, Span, Version};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A contract of an accepted quote.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftContract {
    /// The quote.
    pub quote_id: QuoteId,
    /// First day.
    #[serde(deserialize_with = "kernel::time::date")]
    pub term_from: NaiveDate,
    /// First day after it; absent until it is ended.
    #[serde(default, deserialize_with = "kernel::time::optional_date")]
    pub term_to: Option<NaiveDate>,
    /// How each line of the quote divides, in the quote's order.
    pub splits: Vec<Split>,
    /// When it is paid.
    pub plan: Vec<Payment>,
}

/// How one line divides.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The worker's wage.
    pub wage: Money,
    /// The company's management fee.
    pub management: Money,
    /// Material.
    pub material: Money,
    /// Whose money it is.
    pub pass_through: PassThrough,
}

impl Addressed for DraftContract {
    type To = New<ContractId>;
}

/// A contract was written.
#[derive(Debug, Serialize)]
struct ContractDrafted {
    number: ContractNumber,
    quote_id: QuoteId,
    total_fen: Fen,
}
event!(ContractDrafted, "contracts.contract.drafted", internal);

/// Freezes an accepted quote into a contract whose lines, total and plan are one amount (C5).
pub fn decide(
    (id, number): (ContractId, ContractNumber),
    quote: Quote,
    body: DraftContract,
) -> Result<Decision<Contract>, Refusal> {
    if !matches!(quote.state, quote::State::Accepted { .. }) {
        return Err(Refusal::QuoteNotAccepted { state: quote.state.word() });
    }
    let term = Span { from: body.term_from, to: body.term_to };
    if term.is_empty() {
        return Err(Refusal::EmptyTerm { wanted: term });
    }
    if body.splits.len() != quote.lines.len() {
        return Err(Refusal::LinesDiffer { wanted: quote.lines.len(), given: body.splits.len() });
    }
    let total_fen = quote.total_fen();
    let lines: Vec<ContractLine> = quote
        .lines
        .into_iter()
        .zip(body.splits)
        .map(|(line, split)| ContractLine {
            key: line.key,
            quantity: line.quantity,
            visits: line.visits,
            entry: line.entry,
            standard: line.standard,
            line: Line {
                total_fen: line.priced.total_fen,
                split: FeeSplit {
                    wage_fen: split.wage.fen(),
                    management_fen: split.management.fen(),
                    material_fen: split.material.fen(),
                },
                pass_through: split.pass_through,
            },
        })
        .collect();
    let plan = body.plan.into_iter().map(Instalment::from).collect();
    let contract = Contract {
        id,
        number: number.clone(),
        branch: quote.branch,
        customer: quote.customer,
        quote: quote.id,
        sold_by: quote.sold_by,
        term,
        proration_basis: quote.proration_basis,
        worker_level: quote.worker_level,
        lines,
        plan,
        state: State::Draft,
        signatures: Vec::new(),
        version: Version::NONE,
    };
    sums::check(&contract.sums(), total_fen, &contract.plan)?;
    let drafted = ContractDrafted { number, quote_id: quote.id, total_fen };
    Ok(Decision::of(contract).and(drafted).born_of(quote.id))
}

/// Makes a contract of an accepted quote (P1-2).
#[utoipa::path(post, path = "/v1/contracts/contracts", request_body = DraftContract, responses(Commanded<ContractView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<DraftContract, permission!("contract.write")>,
) -> Answer<ContractView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let quote_id = cmd.body.quote_id;
            let quote = quote::store::load(tx, quote_id).await?;
            let zone = price::store::zone(tx.connection(), Some(quote.branch)).await?;
            let number = store::next_number(tx, quote.branch, now.month_in(zone)).await?;
            let decision = decide((cmd.id, number), quote, cmd.body.clone())?;
            store::add(tx, &decision)
                .await
                .refuse_on("contract_of_quote", Refusal::QuoteUsed { quote_id })?;
            Ok::<_, Failure>(decision)
        })
        .await
}
