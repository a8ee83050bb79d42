//! From a request that may be answered to its answer: parameters, waiting, the shelf, the handler.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::get;

use super::answer::{Answer, Made};
use super::front::Label;
use super::happened;
use super::house::House;
use super::packing::Packing;
use super::problem::Problem;
use super::query::Asked;
use super::route::{Route, Serve};
use super::stream;

/// The router of these routes.
pub fn router(house: Arc<House>, routes: Vec<Route>) -> Router {
    let mut all = Router::new();
    for route in routes {
        let own = move |State(house): State<Arc<House>>, request: Request| async move {
            let (mut parts, _no_body) = request.into_parts();
            let answered = serve(&house, &route, &mut parts).await;
            let mut response = answered.unwrap_or_else(Problem::into_response);
            response.extensions_mut().insert(Label(route.path));
            response
        };
        all = all.route(route.path, get(own));
    }
    all.fallback(|| async {
        Problem::not_found("no_such_route", "there is nothing here")
            .hint("/docs lists everything that can be asked")
    })
    .with_state(house)
}

async fn serve(
    house: &Arc<House>,
    route: &Route,
    parts: &mut Parts,
) -> Result<Response<Body>, Problem> {
    let path = RawPathParams::from_request_parts(parts, &()).await;
    let path = path.map_err(|why| Problem::malformed("path", &why.to_string()))?;
    let path = path
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let asked = Asked::read(route.path, route.params, path.collect(), parts.uri.query())?;
    if let Some((position, patience)) = asked.waiting()? {
        // Nobody waits half a minute to be told that another parameter cannot be read.
        asked.check()?;
        house.wait_for(position, patience).await?;
    }
    let packing = Packing::accepted(&parts.headers);
    let accept = parts.headers.get(header::ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok());
    match route.serve {
        Serve::Read(handler) => {
            let handler = move |house: &House, asked: &Asked| handler(house, asked);
            read(house, route, (asked, handler), (parts, packing)).await
        }
        Serve::Metrics(handler) => {
            let accept = accept.map(str::to_owned);
            let handler = move |house: &House, _: &Asked| handler(house, accept.as_deref());
            read(house, route, (asked, handler), (parts, packing)).await
        }
        Serve::Events => {
            if happened::wants_lines(&asked, accept)? {
                return stream::export(house, &asked, &parts.method, packing);
            }
            read(house, route, (asked, happened::page), (parts, packing)).await
        }
        Serve::Stream => stream::follow(house, &asked, &parts.method, &parts.headers),
    }
}

async fn read<H>(
    house: &Arc<House>,
    route: &Route,
    (asked, handler): (Asked, H),
    (parts, packing): (&Parts, Packing),
) -> Result<Response<Body>, Problem>
where
    H: FnOnce(&House, &Asked) -> Result<Answer, Problem> + Send + 'static,
{
    let key = parts.uri.path_and_query().filter(|_| route.steady);
    let key = key.map(|target| (target.as_str().to_owned(), packing));
    let head = house.head();
    let found = key.as_ref().and_then(|key| house.shelf.find(key, head));
    if let Some(made) = found {
        return Ok(made.response(&parts.headers));
    }
    let place = house.place().await?;
    let own = Arc::clone(house);
    let after = asked.waiting()?;
    let reading = tokio::task::spawn_blocking(move || {
        let here = own.catch_up()?;
        if let Some((position, _)) = after
            && here < position
        {
            return Err(own.behind(position));
        }
        let answer = handler(&own, &asked)?;
        let made = Made::of(answer, packing).map_err(|e| Problem::internal(e.to_string()))?;
        // Kept until it is made, however long that takes: who asks in vain must not crowd the disk.
        drop(place);
        Ok(Arc::new(made))
    });
    let made = match tokio::time::timeout(house.limits.answer_within, reading).await {
        Ok(Ok(made)) => made?,
        Ok(Err(broke)) => {
            house.meter.broke();
            tracing::error!(route = route.path, error = %broke, "a handler broke");
            return Err(Problem::internal(
                "a part of this program broke; its log says where",
            ));
        }
        Err(_too_long) => {
            return Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "timed_out",
                "the answer takes too long to make",
            )
            .hint("ask for less: a smaller limit, a shorter range, another filter"));
        }
    };
    if let Some(key) = key {
        house.shelf.keep(key, &made);
    }
    Ok(made.response(&parts.headers))
}
