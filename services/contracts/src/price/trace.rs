//! Why a price is what it is: every candidate once, with the reason it lost (P1-2; `contracts.md` §2).

use super::{BookState, Owner, PriceEntryId, Priced, PromotionId, Quantity, SurchargeId};
use chrono::NaiveDate;
use kernel::{BasisPoints, Fen, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Everything that was looked at for one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PriceTrace {
    /// The instant the price was looked up at.
    pub at: Timestamp,
    /// Its date in the branch's zone: the one that ranges are compared with (C12).
    pub on: NaiveDate,
    /// Every price entry, by rank, then by id.
    pub candidates: Vec<Considered>,
    /// What was asked for, in thousandths.
    pub quantity_asked: Quantity,
    /// What is billed after steps and minimum, in thousandths.
    pub quantity_billed: Quantity,
    /// Every surcharge, by id.
    pub surcharges: Vec<SurchargeSeen>,
    /// Every promotion, by id.
    pub promotions: Vec<PromotionSeen>,
}

/// One price entry and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Considered {
    /// Which one.
    pub entry_id: PriceEntryId,
    /// Whose.
    pub owner: Owner,
    /// Won, or why not.
    pub verdict: Verdict,
}

/// What became of a price entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// This one counts.
    Won,
    /// It prices another service.
    OtherService,
    /// It prices another unit.
    OtherUnit,
    /// It prices other attributes.
    OtherAttributes,
    /// It is another branch's.
    OtherBranch,
    /// It is frozen in another contract.
    OtherContract,
    /// Its book is not out.
    NotPublished {
        /// The state of the book.
        state: BookState,
    },
    /// It begins later.
    NotYetInForce {
        /// Its first date.
        from: NaiveDate,
    },
    /// It has ended; ends are exclusive.
    NoLongerInForce {
        /// Its end, the first date outside.
        to: NaiveDate,
    },
    /// A signed contract is asked, whose own prices alone count, and which does not list this.
    NotInContract,
    /// One of a higher rank counts.
    Outranked {
        /// The one that counts.
        by: PriceEntryId,
    },
    /// One of the same rank that began later counts, or of two that began together the one with the lower id.
    /// The database lets no such pair exist (C1); were there one, the answer would still be one.
    Replaced {
        /// The one that counts.
        by: PriceEntryId,
    },
}

/// One surcharge and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SurchargeSeen {
    /// Which one.
    pub surcharge_id: SurchargeId,
    /// Surcharges of one group are one kind to the customer; inside and between groups all add.
    pub stack_group: String,
    /// Added, or why not.
    pub verdict: SurchargeVerdict,
}

/// What became of a surcharge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum SurchargeVerdict {
    /// Added to the line.
    Added {
        /// In fen, of the rounded line.
        amount_fen: Fen,
        /// How much of the visit it covers, in minutes; a begun one does not count.
        minutes: i64,
    },
    /// It is another branch's.
    OtherBranch,
    /// It is for other services.
    OtherService,
    /// Its range holds no day of the visit that it is for.
    NotInForce,
    /// The visit does not touch its hours, days, notice or distance.
    NotTouched,
    /// There is no visit yet whose hours could be looked at.
    NoVisitTime,
}

/// One promotion and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PromotionSeen {
    /// Which one.
    pub promotion_id: PromotionId,
    /// Given, or why not.
    pub verdict: PromotionVerdict,
}

/// What became of a promotion. Savings are what the promotion would save alone, rounded for reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum PromotionVerdict {
    /// Taken off the line.
    Given {
        /// In fen, of the rounded line.
        saving_fen: Fen,
    },
    /// It is not live.
    NotLive,
    /// It is for other branches.
    OtherBranch,
    /// It is for other services.
    OtherService,
    /// The date lies outside its range.
    NotInForce,
    /// The customer does not belong to its audience.
    OtherAudience,
    /// Once per customer, and this one has had it.
    AlreadyUsed,
    /// It is for another visit in the row.
    NotThisVisit,
    /// It would save nothing.
    NoSaving,
    /// Its budget does not reach for this saving.
    BudgetShort {
        /// In fen.
        saving_fen: Fen,
        /// What is left of the budget, in fen.
        left_fen: Fen,
    },
    /// Another choice saves the customer more, or as much and has the lower id.
    SmallerSaving {
        /// In fen.
        saving_fen: Fen,
        /// What the choice made saves, in fen.
        better_fen: Fen,
        /// The promotion that was given instead; of several the lowest id.
        better_id: PromotionId,
    },
}

/// One sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Texts {
    /// Chinese.
    #[serde(rename = "zh-CN")]
    pub zh: String,
    /// English.
    pub en: String,
}

fn texts(zh: impl Into<String>, en: impl Into<String>) -> Texts {
    Texts { zh: zh.into(), en: en.into() }
}

impl Verdict {
    /// The reason for people.
    pub fn texts(&self) -> Texts {
        match self {
            Self::Won => texts("采用此价格", "this price counts"),
            Self::OtherService => texts("属于其他服务项目", "it prices another service"),
            Self::OtherUnit => texts("计价单位不同", "it prices another unit"),
            Self::OtherAttributes => texts("适用条件不同", "it prices other attributes"),
            Self::OtherBranch => texts("属于其他门店", "it belongs to another branch"),
            Self::OtherContract => texts("属于其他合同", "it belongs to another contract"),
            Self::NotPublished { state } => {
                texts("所在价目表未发布或已撤回", format!("its price book is not out ({state:?})"))
            }
            Self::NotYetInForce { from } => {
                texts(format!("自 {from} 起才生效"), format!("it is in force only from {from}"))
            }
            Self::NoLongerInForce { to } => {
                texts(format!("已于 {to} 零点失效"), format!("it ended at midnight before {to}"))
            }
            Self::NotInContract => {
                texts("合同价目之外的价格不适用", "the signed contract's own prices alone count")
            }
            Self::Outranked { by } => {
                texts(format!("优先级更高的价格 {by} 适用"), format!("{by} has a higher rank"))
            }
            Self::Replaced { by } => {
                texts(format!("同级中较新的价格 {by} 适用"), format!("{by} of the same rank is newer"))
            }
        }
    }
}

impl SurchargeVerdict {
    /// The reason for people.
    pub fn texts(&self) -> Texts {
        match self {
            Self::Added { amount_fen, minutes } => texts(
                format!("加收 {} 元（{minutes} 分钟）", amount_fen.yuan()),
                format!("{} yuan added ({minutes} minutes)", amount_fen.yuan()),
            ),
            Self::OtherBranch => texts("属于其他门店", "it belongs to another branch"),
            Self::OtherService => texts("不适用于此服务", "it is for other services"),
            Self::NotInForce => texts("上门当日不在有效期内", "it is not in force on the days of the visit"),
            Self::NotTouched => texts("上门时间或条件未触及", "the visit does not touch it"),
            Self::NoVisitTime => texts("上门时间未定", "the time of the visit is not known yet"),
        }
    }
}

impl PromotionVerdict {
    /// The reason for people.
    pub fn texts(&self) -> Texts {
        match self {
            Self::Given { saving_fen } => {
                texts(format!("优惠 {} 元", saving_fen.yuan()), format!("saves {} yuan", saving_fen.yuan()))
            }
            Self::NotLive => texts("活动未上线或已结束", "the promotion is not live"),
            Self::OtherBranch => texts("不适用于此门店", "it is for other branches"),
            Self::OtherService => texts("不适用于此服务", "it is for other services"),
            Self::NotInForce => texts("不在活动期内", "the date lies outside its range"),
            Self::OtherAudience => texts("客户不在活动人群内", "the customer is not in its audience"),
            Self::AlreadyUsed => texts("每位客户限用一次，已使用", "once per customer, and already used"),
            Self::NotThisVisit => texts("不是优惠的那一次上门", "it is for another visit in the row"),
            Self::NoSaving => texts("不产生优惠", "it saves nothing"),
            Self::BudgetShort { saving_fen, left_fen } => texts(
                format!("活动预算剩 {} 元，不足 {} 元", left_fen.yuan(), saving_fen.yuan()),
                format!("{} yuan of its budget are left, {} needed", left_fen.yuan(), saving_fen.yuan()),
            ),
            Self::SmallerSaving { saving_fen, better_fen, better_id } => texts(
                format!("可省 {} 元；{better_id} 的方案可省 {} 元", saving_fen.yuan(), better_fen.yuan()),
                format!("saves {}; the choice of {better_id} saves {}", saving_fen.yuan(), better_fen.yuan()),
            ),
        }
    }
}

impl Priced {
    /// The whole explanation for people, a sentence per candidate in the order of the trace.
    pub fn explained(&self) -> Vec<Texts> {
        let about =
            |what: String, said: Texts| texts(format!("{what}：{}", said.zh), format!("{what}: {}", said.en));
        let trace = &self.price_trace;
        let entries =
            trace.candidates.iter().map(|seen| about(seen.entry_id.to_string(), seen.verdict.texts()));
        let surcharges =
            trace.surcharges.iter().map(|seen| about(seen.surcharge_id.to_string(), seen.verdict.texts()));
        let promotions =
            trace.promotions.iter().map(|seen| about(seen.promotion_id.to_string(), seen.verdict.texts()));
        let discount = self.discount.iter().map(|given| {
            let (percent, yuan) = (given.rate_bp.percent(), given.amount_fen.yuan());
            texts(format!("手工优惠 {percent}：{yuan} 元"), format!("manual discount {percent}: {yuan} yuan"))
        });
        entries.chain(surcharges).chain(promotions).chain(discount).collect()
    }
}

/// A manual discount as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiscountGiven {
    /// Of the line after promotions.
    pub rate_bp: BasisPoints,
    /// In fen, of the rounded line.
    pub amount_fen: Fen,
    /// Why.
    pub reason: String,
}
