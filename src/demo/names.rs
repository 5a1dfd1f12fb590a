//! Names of the demo city. Made up.

/// Kinds of stores with what they sell: name and price in minor units.
pub(super) const STORES: [(&str, &[(&str, i64)]); 12] = [
    ("Lotus Noodles", &[("Beef noodles", 2_600), ("Cold noodles", 1_900), ("Soy egg", 300)]),
    ("Harbour Dumplings", &[("Pork dumplings", 2_200), ("Leek dumplings", 1_800), ("Tea", 600)]),
    ("Blue Wok", &[("Fried rice", 2_100), ("Mapo tofu", 2_400), ("Greens", 1_500)]),
    ("Little Furnace Pizza", &[("Margherita", 4_200), ("Funghi", 4_800), ("Lemonade", 900)]),
    ("Garden Bowl", &[("Salad bowl", 3_200), ("Soup of the day", 1_900), ("Juice", 1_400)]),
    ("Morning Crane Bakery", &[("Croissant", 900), ("Bean bun", 500), ("Coffee", 1_500)]),
    ("North Gate Grill", &[("Lamb skewers", 2_800), ("Flatbread", 600), ("Yoghurt", 700)]),
    ("Plum Sushi", &[("Salmon set", 5_200), ("Maki", 2_600), ("Miso soup", 900)]),
    ("Night Owl Congee", &[("Congee", 1_400), ("Dough sticks", 400), ("Pickles", 300)]),
    ("Amber Curry House", &[("Chicken curry", 3_400), ("Dal", 2_400), ("Naan", 700)]),
    ("Seven Steps Burgers", &[("Burger", 3_600), ("Fries", 1_300), ("Shake", 1_900)]),
    ("Corner Pharmacy", &[("Plasters", 1_200), ("Vitamin C", 3_000), ("Thermometer", 4_900)]),
];

/// First names of riders and customers.
pub(super) const PEOPLE: [&str; 40] = [
    "Ada", "Bo", "Chen", "Dara", "Emil", "Fang", "Gita", "Hugo", "Ines", "Jun", "Kira", "Liam",
    "Mei", "Nia", "Otto", "Pilar", "Qiu", "Rosa", "Sami", "Tao", "Uma", "Vera", "Wen", "Xenia",
    "Yara", "Zoe", "Amir", "Bela", "Cleo", "Dov", "Esra", "Finn", "Greta", "Hana", "Ivo", "Jana",
    "Kai", "Lena", "Milo", "Noor",
];

/// The `n`th name, with a number once the names are used up.
pub(super) fn person(n: usize) -> String {
    let name = PEOPLE[n % PEOPLE.len()];
    match n / PEOPLE.len() {
        0 => name.to_owned(),
        round => format!("{name} {}", round + 1),
    }
}
