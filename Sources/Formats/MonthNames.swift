/// Months as programs write them that take the words of their user's language for a mail's or a feed's date.
enum MonthNames {
    /// - Parameter word: lower-cased ASCII, other letters in any case.
    static func month(_ word: ArraySlice<UInt8>) -> Int? {
        guard word.count >= 3 else { return nil }
        let i = word.startIndex
        if let month = english(word[i], word[i + 1], word[i + 2]) { return month }
        guard word.count <= wordBytesMax else { return nil }
        let text = String(decoding: word, as: UTF8.self)
        let folded = word.allSatisfy { $0 < 0x80 } ? text : text.lowercased()
        return stems.first { folded.hasPrefix($0.stem) }?.month
    }

    private static let wordBytesMax = 40

    /// Most words are English: their first three letters, in lower case, decide.
    static func english(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Int? {
        switch (first, second, third) {
        case (0x6A, 0x61, 0x6E): return 1
        case (0x66, 0x65, 0x62): return 2
        case (0x6D, 0x61, 0x72): return 3
        case (0x61, 0x70, 0x72): return 4
        case (0x6D, 0x61, 0x79): return 5
        case (0x6A, 0x75, 0x6E): return 6
        case (0x6A, 0x75, 0x6C): return 7
        case (0x61, 0x75, 0x67): return 8
        case (0x73, 0x65, 0x70): return 9
        case (0x6F, 0x63, 0x74): return 10
        case (0x6E, 0x6F, 0x76): return 11
        case (0x64, 0x65, 0x63): return 12
        default: return nil
        }
    }

    /// German, French, Spanish, Italian, Portuguese, Dutch, Danish, Swedish, Norwegian, Hungarian, Romanian, Turkish; Russian, Greek.
    private static let stems: [(stem: String, month: Int)] = [
        (1, "jän ene gen oca янв ιαν"), (2, "fev fév şub фев φεβ"), (3, "mär mrt már мар μαρ μάρ"), (4, "abr avr ápr nis апр απρ"),
        (5, "mai mei maj mag máj май мая μαϊ μάι μαι"), (6, "juin giu jún haz июн ιουν ιούν"), (7, "juil lug júl iul tem июл ιουλ ιούλ"),
        (8, "ago aoû aou ağu авг αυγ αύγ"), (9, "set szept eyl сен σεπ"), (10, "okt ott out eki окт οκτ"), (11, "noi kas ноя νοε νοέ"),
        (12, "dez dic déc dés ara дек δεκ"),
    ].flatMap { month, list in list.split(separator: " ").map { (String($0), month) } }
}
