"""Which currencies there are, and how many decimals they have: CLDR's data of 2026.

Babel has the same, with 5 MB of other things that are read along. It is asked where an amount is
written for people, and `tests/orders/test_money.py` sees that both say the same.
"""

TENDER = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP "
    "BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP "
    "GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES "
    "KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU "
    "MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON "
    "RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP "
    "TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
).split()
"""The currencies that are legal tender somewhere (ISO 4217)."""
_PLACES = {
    0: (
        "ADP AFN ALL BIF BYR CLP DJF ESP GNF IQD IRR ISK ITL JPY KMF KPW KRW LAK LBP LUF MGA MGF "
        "MMK MRO PYG RSD RWF SLL SOS STD SYP TMM TRL UGX UYI VND VUV XAF XOF XPF YER ZMK ZWD"
    ),
    3: "BHD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_BY_CURRENCY = {code: places for places, codes in _PLACES.items() for code in codes.split()}


def places_of(currency: str) -> int:
    """Return how many decimals amounts of a currency have; of one that is not known, two."""
    return _BY_CURRENCY.get(currency, 2)
