//! Reading what a scraper reads.

use std::collections::BTreeMap;
use std::time::Duration;
use testkit::{Client, Platform};

/// One scrape: series, as they are written, and their values.
pub struct Scrape {
    text: String,
}

impl Scrape {
    /// What the process shows now.
    pub async fn of(platform: &Platform) -> Self {
        let client = Client::new(platform.metrics_url(), None);
        let answer = client.request(reqwest::Method::GET, "/metrics").send().await.expect("it answers");
        assert_eq!(answer.status(), 200);
        let format = answer.headers()["content-type"].to_str().expect("text").to_owned();
        assert!(format.starts_with("text/plain; version=0.0.4"), "{format}");
        Self { text: answer.text().await.expect("the whole of it") }
    }

    /// The series of a metric, and their values.
    pub fn series(&self, name: &str) -> BTreeMap<&str, &str> {
        let lines = self.text.lines().filter(|line| !line.starts_with('#'));
        let of = lines.filter(|line| line.split(['{', ' ']).next() == Some(name));
        of.filter_map(|line| line.rsplit_once(' ')).collect()
    }

    /// The value of the one series with these labels among others; `0` where there is none.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> &str {
        let has = |series: &&str| {
            labels.iter().all(|(label, value)| series.contains(&format!("{label}=\"{value}\"")))
        };
        let found: Vec<_> = self.series(name).into_iter().filter(|(series, _)| has(series)).collect();
        assert!(found.len() <= 1, "{name} with {labels:?}: {found:?}");
        found.first().map_or("0", |(_, value)| value)
    }

    /// The same, of a count.
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let value = self.value(name, labels);
        value.parse().unwrap_or_else(|_| panic!("{name} with {labels:?} is {value}"))
    }

    /// Whether a metric is shown at all, with what it says.
    pub fn tells(&self, name: &str) -> bool {
        self.text.contains(&format!("# TYPE {name} "))
    }
}

/// Scrapes until it is so.
pub async fn until(platform: &Platform, what: &str, is_so: impl Fn(&Scrape) -> bool) -> Scrape {
    let mut look = tokio::time::interval(Duration::from_millis(50));
    let comes_true = async {
        loop {
            look.tick().await;
            let scrape = Scrape::of(platform).await;
            if is_so(&scrape) {
                return scrape;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), comes_true)
        .await
        .unwrap_or_else(|_| panic!("in vain: {what}"))
}
