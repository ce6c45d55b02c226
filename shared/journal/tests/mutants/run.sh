#!/bin/bash
# Puts each wrong rule of events.md §2, and each missing guard of §3, §5, of leases and of fences, into the source, one by
# one, and demands that its test fails.
# Needs a clean working tree, a migrated JOURNAL_DATABASE_URL and SQLX_OFFLINE=false (mutants have queries of their own).
set -u
cd "$(dirname "$0")/../.."
git diff --quiet -- src || { echo "src has changes of its own"; exit 2; }
missed=0
mutant() { # name, test, file, perl expression, test binary where it is not `it`
    local binary=${5:-it}
    perl -0pi -e "$4" "$3"
    git diff --quiet -- src && { echo "$1: the source has changed, the mutant does not apply"; missed=1; return; }
    timeout 300 cargo test -q -p steward-journal --test "$binary" --no-run || { echo "$1: does not compile"; missed=1; }
    timeout 60 cargo test -q -p steward-journal --test "$binary" "$2" >/dev/null 2>&1
    case $? in
        0) echo "$1: NOT noticed"; missed=1 ;;
        *) echo "$1: noticed by $2" ;;
    esac
    git checkout -q -- src
}
absorbed='(let max_seen = self\.holes\.absorb\(state\.max_seen, scan\);)'
mutant "a fence from before the scan" a_fence_from_before src/numbering.rs "s/$absorbed/\$1 self.holes.fence(state.me);/"
mutant "b fence from the scan's xmax" own_xmax src/numbering.rs "s/$absorbed/\$1 let xmax: i64 = sqlx::query_scalar(\"SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint\").fetch_one(&mut *tx).await?; self.holes.fence(xmax);/"
mutant "c old holes skipped" c_a_turn src/numbering.rs 's/FROM journal_hole AS h CROSS JOIN/FROM (SELECT * FROM journal_hole WHERE NOT EXISTS (SELECT FROM journal WHERE id > \$1)) AS h CROSS JOIN/'
mutant "d no LIMIT clause" d_forgetting src/hole.rs 's/let looked_at = if .*?;/let looked_at = i64::MAX;/'
mutant "e only above the last id" e_numbering src/hole.rs 's/if \*id > seen \+ 1 \{/if *id > i64::MAX - 1 {/'
mutant "f locks not looked at" a_long_transaction src/numbering.rs 's/if waits && is_due/if waits \&\& is_due \&\& false/'
mutant "g term not compared" newer_leader src/numbering.rs 's/if row\.term != self\.term/if row.term < 0/; s/AND term = \$12/AND \$12::bigint IS NOT NULL/' 
mutant "h rows written at once" h_rows_written src/tx.rs 's/(        self\.record\(decision\);)/$1 self.flush().await?;/'
lease=src/lease/session.rs
mutant "i beat under any term" who_was_deposed $lease 's/ AND lease\.term = held\.term//'
mutant "j lease taken whatever was seen" of_two_who $lease 's/AND term = \$2 AND beat = \$3/AND (\$2::bigint, \$3::bigint) IS NOT NULL/'
mutant "k beat not compared" who_beats_between $lease 's/AND beat = \$3/AND \$3::bigint IS NOT NULL/'
mutant "l no lock of the term" of_two_who $lease 's/pg_try_advisory_lock\(hashtextextended\(.lease . \|\| name, term\)\) AS/true AS/'
mutant "m what a silent leader left open stays" a_silent_leader $lease 's/pg_terminate_backend\(pid\)/pid < 0/'
mutant "n a silent leader is waited for" a_silent_leader src/lease.rs 's/seen\.is_free \|\| claim\.is_silent\(&seen, Instant::now\(\)\)/seen.is_free/'
mutant "aa a second claim in one process hears nothing" a_second_claim src/lease.rs 's/claim\.says\(State::StandsBy\);/let _ = claim;/'
mutant "o timers fire side by side" two_timer_loops src/timer.rs 's/if !is_alone/if !is_alone \&\& false/' fences
mutant "p parked events not locked" two_readers_try src/parked.rs 's/LIMIT 100 FOR UPDATE/LIMIT 100/' fences
mutant "q position moved from anywhere" two_readers_apply src/reader/position.rs 's/AND epoch = \$6 AND seq = \$7/AND (\$6::int, \$7::bigint) IS NOT NULL/' fences
ids='s/ && stream\.last_event == Some\(event\)//; s/if held != ours/if false/'
mutant "r ids not compared" a_restored_database_begins src/publish.rs "$ids"
mutant "w only the newest id compared" below_one_that_agrees src/publish.rs 's/if held != ours/if false/'
mutant "s base off by one" a_restored_database_begins src/renewal.rs 's/Ok\(Agreed::Up\(same\)\)/Ok(Agreed::Up(same - 1))/'
mutant "t reader ignores the base" a_reader_behind_the_base src/reader/position.rs 's/base: Some\(next\.base\)/base: None/'
mutant "u event at the position not compared" another_event_at_the_position src/reader/position.rs 's/ \|\| first\.event_id != applied//'
mutant "v own events applied again" an_operator_names src/reader/rise.rs 's/Some\(event\) if Some\(event\) == position\.event_id => kept\(position\.seq, Beyond::Held\)/Some(_) if position.event_id.is_none() => kept(position.seq, Beyond::Held)/'
mutant "x feed tells what the bus was not asked about" a_restored_database_begins src/feed.rs 's/row\.told_to\.map_or/None::<i64>.map_or/'
mutant "y a decision whose cause nobody knows" a_decision_that_nobody src/reaction.rs 's/if tx\.pending\.len\(\) == before/if true/'
mutant "z a refusal at the commit stops the reader" what_is_refused src/reader.rs 's/Err\(fault\) if fault\.is_transient\(\) => Err\(fault\)/Err(fault) if true => Err(fault)/'
exit $missed
