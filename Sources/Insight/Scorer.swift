// Insight: how a text sounds and in which language it is.
//
// In: the subject and body of a message, and two model files. Out: a language tag and a `Mood` whose score the words it names explain.
// Also here: training those files from labelled rows (`Training`) and measuring them (`Evaluation`).
// Never: the network, the store, a clock; never learns from what it scores; the same bytes always give the same mood.
public import Domain

/// Scores texts with the two models.
public struct Scorer: Sendable {
    let banks: [String: Bank]

    /// The languages that can be scored, and their files in the models folder.
    public static let languages = ["zh", "en"]

    public static func path(_ directory: String, language: String) -> String {
        directory + (directory.hasSuffix("/") ? "" : "/") + "sentiment-\(language).bin"
    }

    /// Opens both models. They stay mapped for the scorer's life.
    ///
    /// - Throws: `InsightError` that names the file which is missing or damaged.
    public init(models directory: String) throws {
        var banks: [String: Bank] = [:]
        for language in Self.languages {
            let path = Self.path(directory, language: language)
            let bank = try Bank(path: path)
            guard bank.header.language == language else {
                throw InsightError.modelDamaged(path: path, problem: "it was trained for language \(bank.header.language)")
            }
            banks[language] = bank
        }
        self.banks = banks
    }

    /// The names of the models in use, as they stand in `Mood.model`.
    public var modelNames: [String] { Self.languages.compactMap { banks[$0]?.header.name } }

    /// Scores a message. A reply's subject is left out: it is somebody else's.
    ///
    /// - Parameter body: the author's new words (`Interaction.words`); a quoted complaint in it would count as theirs.
    /// - Returns: the language, nil when nothing tells; the mood, nil when no model speaks the language or there is nothing to judge.
    public func score(subject: String, body: String) -> (language: String?, mood: Mood?) {
        var bytes: [UInt8] = []
        if !Self.isReply(subject) {
            bytes += subject.utf8.prefix(FeatureReader.textBytesMax)
            bytes.append(0x0A)
        }
        bytes += body.utf8.prefix(FeatureReader.textBytesMax)
        if bytes.allSatisfy({ $0 <= 0x20 }) { bytes = Array(subject.utf8.prefix(FeatureReader.textBytesMax)) }
        return score(bytes)
    }

    /// Scores a text as it stands.
    public func score(_ text: String) -> (language: String?, mood: Mood?) {
        score(Array(text.utf8.prefix(FeatureReader.textBytesMax)))
    }

    private func score(_ bytes: [UInt8]) -> (language: String?, mood: Mood?) {
        let guess = LanguageGuess(of: bytes)
        guard let language = guess.language, let bank = banks[language] else { return (guess.language, nil) }
        var reader = bank.reader()
        return (language, bank.mood(of: bytes, reader: &reader))
    }

    static func isReply(_ subject: String) -> Bool {
        let start = subject.utf8.drop { $0 == 0x20 }.prefix(12)
        return replyMarks.contains { mark in
            start.count > mark.count && zip(start, mark).allSatisfy { ($0 | ($0 < 0x80 && $0 >= 0x41 && $0 <= 0x5A ? 0x20 : 0)) == $1 }
        }
    }

    private static let replyMarks: [[UInt8]] = [
        "re:", "re：", "re[", "aw:", "sv:", "antw:", "回复:", "回复：", "答复:", "答复：", "回覆:", "回覆：", "fwd:", "fw:", "wg:", "tr:", "转发:", "转发：",
        "轉寄:", "轉寄：",
    ].map { Array($0.utf8) }
}
