//! The SQL of price books. A branch sees its own and the network's, and changes only its own.

use super::PriceBook;
use super::list::{Flag, PriceBookFilter};
use crate::person::Person;
use crate::price::store::EntryRow;
use crate::price::{BookState, PriceEntry, PriceEntryId};
use chrono::NaiveDate;
use events::PriceBookId;
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, EmployeeId, Span, UserId, Version};
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

struct Row {
    id: Uuid,
    branch_id: Option<Uuid>,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    state: String,
    author_user: Uuid,
    author_employee: Option<Uuid>,
    approver_user: Option<Uuid>,
    version: i32,
}

impl Row {
    fn book(self, rows: Vec<EntryRow>) -> Result<PriceBook, Fault> {
        let out_of_bounds =
            rows.iter().filter(|row| row.out_of_bounds).map(|row| PriceEntryId::of(row.id)).collect();
        let entries = rows.into_iter().map(PriceEntry::try_from).collect::<Result<_, _>>()?;
        Ok(PriceBook {
            id: PriceBookId::of(self.id),
            branch: self.branch_id.map(BranchId::of),
            valid: Span { from: self.valid_from, to: self.valid_to },
            state: BookState::of(&self.state).ok_or(Fault::Corrupt {
                table: "price_book",
                column: "state",
                value: self.state,
            })?,
            entries,
            out_of_bounds,
            author: Person {
                user: UserId::of(self.author_user),
                employee: self.author_employee.map(EmployeeId::of),
            },
            approver: self.approver_user.map(UserId::of),
            version: Version::of(self.version),
        })
    }
}

/// All entries of these books, by book.
async fn entries(
    connection: &mut PgConnection,
    books: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<EntryRow>>, Fault> {
    let rows = sqlx::query_as!(
        EntryRow,
        "SELECT id, price_book_id, branch_id, service, unit, attributes, lower(valid) AS \"valid_from!\", upper(valid) AS valid_to, state, terms,
                out_of_bounds
         FROM price_entry WHERE price_book_id = ANY ($1) ORDER BY id",
        books
    )
    .fetch_all(connection)
    .await?;
    Ok(grouped(rows))
}

/// Locks a book within reach: the network's books are within reach of the whole network only.
pub(super) async fn load(tx: &mut Tx, id: PriceBookId) -> Result<PriceBook, Failure> {
    let branches = tx.branches();
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, lower(valid) AS \"valid_from!\", upper(valid) AS valid_to, state, author_user, author_employee, approver_user, version
         FROM price_book WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2)) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
    )
    .fetch_optional(tx.connection())
    .await?;
    let row = row.ok_or_else(not_found)?;
    let rows = entries(tx.connection(), &[row.id]).await?.remove(&row.id).unwrap_or_default();
    Ok(row.book(rows)?)
}

/// The books with published entries of the same keys, locked in order of id, each with those entries alone: every one
/// of the network, against which overrides are proved; and of the days of this book those of its branch or, for the
/// network's book, of every branch.
///
/// Of two books that price one service the second waits here for the first, and then sees what it has put out: else an
/// override and the base that moves its bounds could pass each other unseen (C12).
pub(super) async fn rivals(tx: &mut Tx, book: &PriceBook) -> Result<Vec<PriceBook>, Fault> {
    let keys = || book.entries.iter().map(|entry| &entry.key);
    let services: Vec<String> = keys().map(|key| key.service.as_str().to_owned()).collect();
    let units: Vec<String> = keys().map(|key| key.unit.word().to_owned()).collect();
    let attributes: Vec<String> = keys().map(|key| key.attributes.text()).collect();
    sqlx::query!("SELECT code FROM service WHERE code = ANY ($1) ORDER BY code FOR UPDATE", &services)
        .fetch_all(tx.connection())
        .await?;
    let branch = book.branch.map(BranchId::uuid);
    let books = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, lower(valid) AS \"valid_from!\", upper(valid) AS valid_to, state, author_user, author_employee, approver_user, version
         FROM price_book
         WHERE id <> $4 AND id IN (
             SELECT price_book_id FROM price_entry
             WHERE (service, unit, attributes) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))
               AND state IN ('published', 'ended')
               AND (branch_id IS NULL OR ($5::uuid IS NULL OR branch_id = $5) AND valid && daterange($6, $7)))
         ORDER BY id FOR UPDATE",
        &services,
        &units,
        &attributes,
        book.id.uuid(),
        branch,
        book.valid.from,
        book.valid.to,
    )
    .fetch_all(tx.connection())
    .await?;
    // Entries change with their book alone, so those of locked books stand still.
    let ids: Vec<Uuid> = books.iter().map(|row| row.id).collect();
    let rows = sqlx::query_as!(
        EntryRow,
        "SELECT id, price_book_id, branch_id, service, unit, attributes, lower(valid) AS \"valid_from!\", upper(valid) AS valid_to, state, terms,
                out_of_bounds
         FROM price_entry
         WHERE (service, unit, attributes) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))
           AND state IN ('published', 'ended') AND price_book_id = ANY ($4) AND (branch_id IS NULL OR valid && daterange($5, $6))
         ORDER BY id",
        &services,
        &units,
        &attributes,
        &ids,
        book.valid.from,
        book.valid.to,
    )
    .fetch_all(tx.connection())
    .await?;
    let mut by_book = grouped(rows);
    books
        .into_iter()
        .map(|row| {
            let entries = by_book.remove(&row.id).unwrap_or_default();
            row.book(entries)
        })
        .collect()
}

fn grouped(rows: Vec<EntryRow>) -> BTreeMap<Uuid, Vec<EntryRow>> {
    let mut by_book: BTreeMap<Uuid, Vec<EntryRow>> = BTreeMap::new();
    for row in rows {
        by_book.entry(row.price_book_id).or_default().push(row);
    }
    by_book
}

/// Writes a new one.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<PriceBook>) -> Result<(), Fault> {
    let book = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO price_book (id, branch_id, valid, state, author_user, author_employee, version)
         VALUES ($1, $2, daterange($3, $4), $5, $6, $7, $8)",
        book.id.uuid(),
        book.branch.map(BranchId::uuid),
        book.valid.from,
        book.valid.to,
        book.state.word(),
        book.author.user.uuid(),
        book.author.employee.map(EmployeeId::uuid),
        decision.version().get(),
    );
    tx.save(decision, statement).await?;
    put_entries(tx, book).await
}

/// Writes the new state of a book and of the entries it was loaded with.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<PriceBook>) -> Result<(), Fault> {
    let book = decision.state();
    let statement = sqlx::query!(
        "UPDATE price_book SET state = $3, approver_user = $4, version = $5 WHERE id = $1 AND version = $2",
        book.id.uuid(),
        decision.base().get(),
        book.state.word(),
        book.approver.map(UserId::uuid),
        decision.version().get(),
    );
    tx.save(decision, statement).await?;
    put_entries(tx, book).await
}

/// In one statement, in order: a piece that was cut off comes after the one it was cut from.
async fn put_entries(tx: &mut Tx, book: &PriceBook) -> Result<(), Fault> {
    let column = |of: fn(&PriceEntry) -> String| -> Vec<String> { book.entries.iter().map(of).collect() };
    let ids: Vec<Uuid> = book.entries.iter().map(|entry| entry.id.uuid()).collect();
    let services = column(|entry| entry.key.service.as_str().to_owned());
    let units = column(|entry| entry.key.unit.word().to_owned());
    let attributes = column(|entry| entry.key.attributes.text());
    let states = column(|entry| entry.state.word().to_owned());
    let from: Vec<NaiveDate> = book.entries.iter().map(|entry| entry.valid.from).collect();
    // An empty text for "for ever": a checked query takes no array of dates with gaps.
    let to: Vec<String> = book
        .entries
        .iter()
        .map(|entry| entry.valid.to.map(|to| to.to_string()).unwrap_or_default())
        .collect();
    let terms: Vec<serde_json::Value> = book
        .entries
        .iter()
        .map(|entry| serde_json::to_value(&entry.terms).expect("terms are plain data"))
        .collect();
    let flags: Vec<bool> = book.entries.iter().map(|entry| book.out_of_bounds.contains(&entry.id)).collect();
    sqlx::query!(
        "INSERT INTO price_entry (id, price_book_id, branch_id, service, unit, attributes, valid, state, terms, out_of_bounds)
         SELECT id, $2, $3, service, unit, attributes, daterange(valid_from, nullif(valid_to, '')::date), state, terms, flag
         FROM unnest($1::uuid[], $4::text[], $5::text[], $6::text[], $7::date[], $8::text[], $9::text[], $10::jsonb[], $11::boolean[])
              WITH ORDINALITY AS new (id, service, unit, attributes, valid_from, valid_to, state, terms, flag, place)
         ORDER BY place
         ON CONFLICT (id) DO UPDATE SET valid = excluded.valid, state = excluded.state, out_of_bounds = excluded.out_of_bounds",
        &ids,
        book.id.uuid(),
        book.branch.map(BranchId::uuid),
        &services,
        &units,
        &attributes,
        &from,
        &to,
        &states,
        &terms,
        &flags,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// One book: the branch's own, or the network's.
pub(super) async fn find(
    pool: &PgPool,
    reach: &Reach,
    id: PriceBookId,
) -> Result<Option<PriceBook>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, lower(valid) AS \"valid_from!\", upper(valid) AS valid_to, state, author_user, author_employee, approver_user, version
         FROM price_book WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id IS NULL OR branch_id = ANY ($2))",
        id.uuid(),
        reach.branches(),
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut connection = pool.acquire().await?;
    let rows = entries(&mut connection, &[row.id]).await?.remove(&row.id).unwrap_or_default();
    Ok(Some(row.book(rows)?))
}

/// One page.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &PriceBookFilter,
    page: PageRequest,
) -> Result<Vec<PriceBook>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, lower(valid) AS \"valid_from!\", upper(valid) AS valid_to, state, author_user, author_employee, approver_user, version
         FROM price_book
         WHERE ($1::uuid[] IS NULL OR branch_id IS NULL OR branch_id = ANY ($1)) AND ($2::uuid IS NULL OR branch_id = $2)
           AND ($3::text IS NULL OR state = $3)
           AND ($4::boolean IS NULL OR $4 = EXISTS (SELECT FROM price_entry e WHERE e.price_book_id = price_book.id AND e.out_of_bounds))
           AND id < $5 AND id > $6
         ORDER BY CASE WHEN $7 THEN id END DESC, id LIMIT $8",
        reach.branches(),
        filter.branch.map(BranchId::uuid),
        filter.state.map(BookState::word),
        filter.out_of_bounds.map(Flag::is_set),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut connection = pool.acquire().await?;
    let mut by_book = entries(&mut connection, &ids).await?;
    let books = rows.into_iter().map(|row| {
        let entries = by_book.remove(&row.id).unwrap_or_default();
        row.book(entries)
    });
    Ok(books.collect::<Result<_, _>>()?)
}
