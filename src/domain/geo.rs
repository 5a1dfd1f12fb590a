//! Places on the ground: distance in metres, geohash cells, a local flat map.

use geohash::Coord;

/// Mean radius of the earth (IUGG), in metres.
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;
/// Characters of the geohash that names a region: cells of about 39 km by 20 km.
pub const REGION_CHARS: usize = 4;
/// Characters of the geohash of a cell of the grab pool: about 1.2 km by 0.6 km.
pub const POOL_CELL_CHARS: usize = 6;

/// A place by latitude and longitude in degrees (WGS 84), always in range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    lat: f64,
    lng: f64,
}

/// The numbers are not a place on earth.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a place needs a latitude from -90 to 90 and a longitude from -180 to 180")]
pub struct PlaceError;

impl Place {
    /// Checks the ranges; also refuses what is not a number.
    ///
    /// # Errors
    ///
    /// [`PlaceError`] if either number is out of range.
    pub fn new(lat: f64, lng: f64) -> Result<Self, PlaceError> {
        let ok = (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lng);
        if ok { Ok(Self { lat, lng }) } else { Err(PlaceError) }
    }

    /// Degrees north.
    pub const fn lat(self) -> f64 {
        self.lat
    }

    /// Degrees east.
    pub const fn lng(self) -> f64 {
        self.lng
    }

    /// Great-circle distance in metres (haversine formula).
    pub fn metres_to(self, other: Self) -> f64 {
        let (lat_a, lat_b) = (self.lat.to_radians(), other.lat.to_radians());
        let half_lat = ((lat_b - lat_a) / 2.0).sin();
        let half_lng = ((other.lng - self.lng).to_radians() / 2.0).sin();
        let h = half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lng * half_lng;
        2.0 * EARTH_RADIUS_M * h.sqrt().min(1.0).asin()
    }

    /// The geohash of `chars` characters (1 to 12) that holds this place.
    pub fn cell(self, chars: usize) -> String {
        geohash::encode(Coord { x: self.lng, y: self.lat }, chars.clamp(1, 12)).unwrap_or_default()
    }

    /// The region that this place belongs to.
    pub fn region(self) -> String {
        self.cell(REGION_CHARS)
    }

    /// The place `east_m` and `north_m` metres away on a local flat map around `self`.
    pub fn offset(self, east_m: f64, north_m: f64) -> Self {
        let lat = self.lat + (north_m / EARTH_RADIUS_M).to_degrees();
        let lng = self.lng + (east_m / (EARTH_RADIUS_M * self.lat.to_radians().cos())).to_degrees();
        Self { lat: lat.clamp(-90.0, 90.0), lng: wrapped(lng) }
    }

    /// The place `metres` ahead of somebody who moves `heading` degrees from north.
    pub fn ahead(self, heading: f64, metres: f64) -> Self {
        let (east, north) = heading.to_radians().sin_cos();
        self.offset(east * metres, north * metres)
    }

    /// Length of the circle of latitude through this place, in metres.
    pub fn metres_around(self) -> f64 {
        std::f64::consts::TAU * EARTH_RADIUS_M * self.lat.to_radians().cos()
    }

    /// Metres east and north of `origin` on a local flat map; good for tens of kilometres.
    pub fn flat_from(self, origin: Self) -> [f64; 2] {
        let east = wrapped(self.lng - origin.lng).to_radians() * EARTH_RADIUS_M;
        let north = (self.lat - origin.lat).to_radians() * EARTH_RADIUS_M;
        [east * origin.lat.to_radians().cos(), north]
    }
}

/// The same longitude between -180 and 180 degrees; numbers that are none stay at the date line.
fn wrapped(lng: f64) -> f64 {
    if (-180.0..=180.0).contains(&lng) {
        return lng;
    }
    let turned = (lng + 180.0).rem_euclid(360.0) - 180.0;
    if turned.is_finite() { turned } else { 180.0 }
}

/// The middle of a geohash cell; `None` if it is no geohash.
pub fn cell_centre(cell: &str) -> Option<Place> {
    let (at, _, _) = geohash::decode(cell).ok()?;
    Place::new(at.y, at.x).ok()
}

/// A pool cell and its eight neighbours.
pub fn cell_with_neighbours(cell: &str) -> Vec<String> {
    let Ok(around) = geohash::neighbors(cell) else { return Vec::new() };
    vec![
        cell.to_owned(),
        around.n,
        around.ne,
        around.e,
        around.se,
        around.s,
        around.sw,
        around.w,
        around.nw,
    ]
}

/// A cell and all that are at most `rings` steps away from it, each once.
pub fn cells_within(cell: &str, rings: u32) -> Vec<String> {
    let mut cells = vec![cell.to_owned()];
    let mut edge = 0;
    for _ in 0..rings {
        let outermost = cells[edge..].to_vec();
        edge = cells.len();
        for neighbour in outermost.iter().flat_map(|it| cell_with_neighbours(it)) {
            if !cells.contains(&neighbour) {
                cells.push(neighbour);
            }
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degree_of_latitude_is_about_111_km() {
        let (a, b) = (Place { lat: 0.0, lng: 0.0 }, Place { lat: 1.0, lng: 0.0 });
        assert!((a.metres_to(b) - 111_195.0).abs() < 1.0);
    }

    #[test]
    fn the_flat_map_agrees_with_the_great_circle_within_a_city() {
        let centre = Place { lat: 31.2, lng: 121.5 };
        let away = centre.offset(6_000.0, -4_000.0);
        let [east, north] = away.flat_from(centre);
        assert!((east - 6_000.0).abs() < 0.01 && (north + 4_000.0).abs() < 0.01);
        assert!((centre.metres_to(away) - east.hypot(north)).abs() < 10.0);
    }

    #[test]
    fn the_date_line_is_no_wall() {
        let west = Place { lat: 0.0, lng: 179.9999 };
        let east = west.offset(22.0, 0.0);
        assert!(east.lng() < -179.9, "{}", east.lng());
        let [metres, _] = east.flat_from(west);
        assert!((metres - 22.0).abs() < 0.01, "{metres}");
    }

    #[test]
    fn nonsense_is_not_a_place() {
        for (lat, lng) in [(91.0, 0.0), (0.0, 181.0), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert_eq!(Place::new(lat, lng), Err(PlaceError));
        }
    }

    #[test]
    fn the_middle_of_a_cell_is_in_it() {
        let cell = Place { lat: 31.2, lng: 121.5 }.cell(POOL_CELL_CHARS);
        assert_eq!(cell_centre(&cell).map(|it| it.cell(POOL_CELL_CHARS)), Some(cell));
        assert_eq!(cell_centre("not a cell"), None);
    }

    #[test]
    fn a_cell_has_eight_neighbours() {
        let cell = Place { lat: 31.2, lng: 121.5 }.cell(POOL_CELL_CHARS);
        let mut cells = cell_with_neighbours(&cell);
        cells.sort();
        cells.dedup();
        assert_eq!(cells.len(), 9);
        assert_eq!([0, 1, 2, 3].map(|rings| cells_within(&cell, rings).len()), [1, 9, 25, 49]);
        assert_eq!(cells_within(&cell, 0), [cell]);
    }
}
