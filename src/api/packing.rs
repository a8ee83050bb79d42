//! Packing bodies for clients that take it: gzip and zstd.

use std::io::Write as _;

use axum::http::{HeaderMap, header};
use flate2::Compression;
use flate2::write::GzEncoder;
use zstd::stream::write::Encoder;

/// The level at which zstd is about as fast as writing plainly.
const ZSTD_LEVEL: i32 = 1;

/// How a body is packed for its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

impl Packing {
    /// The best one that the client takes.
    pub fn accepted(headers: &HeaderMap) -> Self {
        let (mut gzip, mut zstd) = (false, false);
        for value in headers.get_all(header::ACCEPT_ENCODING) {
            for part in value.to_str().unwrap_or_default().split(',') {
                let (name, weight) = part.split_once(';').unwrap_or((part, ""));
                let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
                let wanted = weight.parse::<f32>().is_ok_and(|weight| weight > 0.0);
                match name.trim().to_ascii_lowercase().as_str() {
                    "gzip" => gzip = wanted,
                    "zstd" => zstd = wanted,
                    _ => {}
                }
            }
        }
        match (zstd, gzip) {
            (true, _) => Self::Zstd,
            (false, true) => Self::Gzip,
            (false, false) => Self::Plain,
        }
    }

    /// Its name in `Content-Encoding`.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// Packs everything at once.
    pub fn pack(self, bytes: Vec<u8>) -> std::io::Result<Vec<u8>> {
        if self == Self::Plain {
            return Ok(bytes);
        }
        let mut packer = Packer::begin(self)?;
        let mut whole = packer.more(&bytes)?;
        whole.extend(packer.end()?);
        Ok(whole)
    }
}

/// Packs piece by piece.
#[expect(missing_debug_implementations, reason = "an encoder has none")]
pub enum Packer {
    /// Not at all.
    Plain,
    /// gzip.
    Gzip(GzEncoder<Vec<u8>>),
    /// zstd.
    Zstd(Encoder<'static, Vec<u8>>),
}

impl Packer {
    /// Nothing yet.
    pub fn begin(packing: Packing) -> std::io::Result<Self> {
        Ok(match packing {
            Packing::Plain => Self::Plain,
            Packing::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Compression::fast())),
            Packing::Zstd => Self::Zstd(Encoder::new(Vec::new(), ZSTD_LEVEL)?),
        })
    }

    /// What can be sent after one more piece.
    pub fn more(&mut self, piece: &[u8]) -> std::io::Result<Vec<u8>> {
        Ok(match self {
            Self::Plain => piece.to_vec(),
            Self::Gzip(packer) => {
                packer.write_all(piece)?;
                packer.flush()?;
                std::mem::take(packer.get_mut())
            }
            Self::Zstd(packer) => {
                packer.write_all(piece)?;
                packer.flush()?;
                std::mem::take(packer.get_mut())
            }
        })
    }

    /// What must be sent at the end.
    pub fn end(self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Plain => Ok(Vec::new()),
            Self::Gzip(packer) => packer.finish(),
            Self::Zstd(packer) => packer.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_packing_is_taken_only_when_the_client_takes_it() {
        for (accepts, packing) in [
            ("gzip, deflate, br, zstd", Packing::Zstd),
            ("GZIP;q=0.5", Packing::Gzip),
            ("zstd;q=0, gzip", Packing::Gzip),
            ("gzip;q=0", Packing::Plain),
            ("br", Packing::Plain),
            ("zstd;q=x", Packing::Plain),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepts));
            assert_eq!(Packing::accepted(&headers), packing, "{accepts}");
        }
        assert_eq!(Packing::accepted(&HeaderMap::new()), Packing::Plain);
    }
}
