//! What is counted of every request: by the template of its route, never by its path.
//!
//! The routes are known when the listener is built, so each request finds its counters without a lock; what has not been
//! answered yet is no series. Whatever matches no route is counted as one.

use ::metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use axum::http::{Method, StatusCode};
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

/// The route of what matches none.
const UNMATCHED: &str = "unmatched";
/// The service of the house's own routes.
const HOUSE: &str = "house";

/// How many methods have a series of their own.
const KNOWN: usize = 7;

/// Which these are.
static METHODS: [Method; KNOWN] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];

/// Statuses with a series of their own: those that the house answers.
const STATUSES: [u16; 21] =
    [200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 428, 429, 500, 503, 504];

/// The counters of a process.
pub(crate) struct Requests {
    routes: HashMap<String, RouteSeen>,
    unmatched: RouteSeen,
}

impl Requests {
    /// For these templates. A route of a service names it in its second part: `/v1/support/calls`.
    pub(crate) fn of(templates: impl Iterator<Item = String>, services: &[&'static str]) -> Self {
        let routes = templates.map(|route| {
            let named = route.split('/').nth(2).and_then(|part| services.iter().find(|name| **name == part));
            let seen = RouteSeen::new(named.copied().unwrap_or(HOUSE), &route);
            (route, seen)
        });
        Self { routes: routes.collect(), unmatched: RouteSeen::new(HOUSE, UNMATCHED) }
    }

    /// The counters of a route; of all that is unknown where it matched none.
    pub(crate) fn route(&self, template: Option<&str>) -> &RouteSeen {
        template.and_then(|template| self.routes.get(template)).unwrap_or(&self.unmatched)
    }
}

/// The counters of one route.
pub(crate) struct RouteSeen {
    /// Whose it is.
    pub(crate) service: &'static str,
    /// Its template.
    pub(crate) template: String,
    inflight: Gauge,
    methods: [OnceLock<Box<MethodSeen>>; KNOWN + 1],
}

struct MethodSeen {
    seconds: Histogram,
    statuses: [OnceLock<Counter>; STATUSES.len() + 1],
}

impl RouteSeen {
    fn new(service: &'static str, template: &str) -> Self {
        Self {
            service,
            template: template.to_owned(),
            inflight: gauge!("steward_http_inflight", "service" => service),
            methods: Default::default(),
        }
    }

    /// A request is under way for as long as what this returns lives.
    pub(crate) fn under_way(&self) -> UnderWay {
        self.inflight.increment(1);
        UnderWay(self.inflight.clone())
    }

    /// A request was answered.
    pub(crate) fn answered(&self, method: &Method, status: StatusCode, took: Duration) {
        let place = METHODS.iter().position(|known| known == method).unwrap_or(KNOWN);
        let name = METHODS.get(place).map_or("other", Method::as_str);
        let seen = self.methods[place].get_or_init(|| {
            let labels = [
                ("service", self.service.to_owned()),
                ("route", self.template.clone()),
                ("method", name.to_owned()),
            ];
            let seconds = histogram!("steward_http_request_seconds", &labels);
            Box::new(MethodSeen { seconds, statuses: std::array::from_fn(|_| OnceLock::new()) })
        });
        seen.seconds.record(took);
        let place = STATUSES.iter().position(|known| *known == status.as_u16()).unwrap_or(STATUSES.len());
        let counter = seen.statuses[place].get_or_init(|| {
            let status = STATUSES.get(place).map_or("other".to_owned(), u16::to_string);
            let labels = [
                ("service", self.service.to_owned()),
                ("route", self.template.clone()),
                ("method", name.to_owned()),
                ("status", status),
            ];
            counter!("steward_http_requests_total", &labels)
        });
        counter.increment(1);
    }

    /// It was answered with a problem of this code.
    pub(crate) fn refused(&self, code: &'static str) {
        counter!("steward_problem_total", "service" => self.service, "code" => code).increment(1);
    }
}

/// A request that is under way: also one whose client has gone ends with this.
pub(crate) struct UnderWay(Gauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
