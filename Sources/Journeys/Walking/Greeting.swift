/// What to call a customer in a mail. Names come from strangers, so only what looks like a name is one:
/// a link typed into a form's name field never reaches somebody else's mailbox.
enum Greeting {
    static let scalarsMax = 40
    private static let titles: Set<String> = ["mr", "mrs", "ms", "miss", "dr", "prof", "herr", "frau"]

    /// The first name, or a friendly word in the mail's language.
    static func firstName(of name: String, locale: String) -> String {
        let other = locale.hasPrefix("zh") ? "朋友" : "there"
        let whole = name.split { $0.isWhitespace || $0 == "\"" }.joined(separator: " ")
        guard isName(whole) else { return other }
        // “Lovelace, Ada”
        let turned = whole.split(separator: ",", maxSplits: 1).last.map(String.init) ?? whole
        let words = turned.split(separator: " ").filter { word in
            !titles.contains(word.lowercased().filter { $0 != "." })
        }
        guard let first = words.first, first.contains(where: \.isLetter) else { return other }
        return String(first)
    }

    /// The full name, or the same friendly word.
    static func name(_ name: String, locale: String) -> String {
        let whole = name.split { $0.isWhitespace || $0 == "\"" }.joined(separator: " ")
        return isName(whole) ? whole : firstName(of: "", locale: locale)
    }

    private static func isName(_ text: String) -> Bool {
        let scalars = text.unicodeScalars
        guard (1...scalarsMax).contains(scalars.count), scalars.contains(where: \.properties.isAlphabetic) else { return false }
        var before: Unicode.Scalar = " "
        for scalar in scalars {
            // “J. R.” is a name, “evil.example” is not.
            if before == ".", scalar != " " { return false }
            guard
                scalar.properties.isAlphabetic || scalar.properties.generalCategory == .nonspacingMark
                    || " .,'’-·".unicodeScalars.contains(scalar)
            else { return false }
            before = scalar
        }
        return true
    }
}
