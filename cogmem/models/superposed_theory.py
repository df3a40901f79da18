"""What theory expects of memories of superposed items: densities, errors, capacities, bits per weight.

n is the number of features (or units), k how many of them an item has, p how many items are stored. Probabilities of
sets are exact: ratios of whole numbers. Items are drawn at random, independently, all with the same number of features.
"""

from __future__ import annotations

import math

from cogmem.errors import UserError

# ---- Willshaw's network ----------------------------------------------------------------------------------------------


def willshaw_density(n: int, k: int, p: int) -> float:
    """Return the expected share of weights between different features that are on: 1 - (1 - k (k - 1) / n (n - 1))^p.

    Willshaw, Buneman & Longuet-Higgins (1969) and Palm (1980) have k^2 / n^2, the limit of large n and k.

    >>> round(willshaw_density(1000, 10, 6931), 4)
    0.4644
    """
    return -math.expm1(p * math.log1p(-k * (k - 1) / (n * (n - 1))))


def willshaw_spurious(n: int, cue: int, density: float) -> float:
    """Return n d^cue, the features expected to be joined to all of `cue` ones by chance (Willshaw et al., 1969).

    It takes weights for independent, and so is too low: some features are in more items than others.
    """
    return float(n * density**cue)


def willshaw_spurious_exact(n: int, k: int, p: int, cue: int) -> float:
    """Return how many features outside an item are expected to be joined to all of `cue` features of it.

    By inclusion and exclusion over the cue's features that a feature is not joined to: (n - k) times the sum over j of
    (-1)^j C(cue, j) (1 - k/n (1 - q_j))^(p - 1), q_j = C(n-1-j, k-1) / C(n-1, k-1) being the chance that an item with
    that feature has none of j others. Derived here, it takes nothing for independent but the items.
    """
    whole = math.comb(n - 1, k - 1)
    missed = [(n - k) * whole + k * math.comb(n - 1 - j, k - 1) for j in range(cue + 1)]
    among = sum((-1) ** j * math.comb(cue, j) * each ** (p - 1) for j, each in enumerate(missed))
    return float((n - k) * (among / (n * whole) ** (p - 1)))


def willshaw_capacity(n: int, k: int) -> float:
    """Return ln 2 n^2 / k^2, the items after which half of the weights are on (Willshaw et al., 1969; Palm, 1980)."""
    return math.log(2) * n**2 / k**2


# ---- Hopfield's network ----------------------------------------------------------------------------------------------


def hopfield_one_step_error(n: int, p: int) -> float:
    """Return the share of units of a stored item that one update makes wrong: erfc(sqrt(n / 2p)) / 2, of large n.

    The chance that what the other items add to a unit's input outweighs its own (Hertz, Krogh & Palmer, 1991, 2.2).
    """
    return math.erfc(math.sqrt(n / (2 * p))) / 2


def _load(y: float) -> float:
    """Return the load p / n at which y = m / sqrt(2 alpha r) solves the equations of `hopfield_overlap`."""
    root = math.erf(y) / y - 2 / math.sqrt(math.pi) * math.exp(-y * y)
    return root * root / 2


def _critical() -> float:
    """Return the y of the largest load, by golden section: the load rises up to it and falls after it."""
    low, high, golden = 1.0, 3.0, (math.sqrt(5) - 1) / 2
    while high - low > 1e-10:
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (left, high) if _load(left) < _load(right) else (low, right)
    return (low + high) / 2


def hopfield_critical_load() -> float:
    """Return the largest p / n at which stored items are nearly fixed points: Amit, Gutfreund & Sompolinsky (1985).

    >>> round(hopfield_critical_load(), 4)
    0.1379
    """
    return _load(_critical())


def hopfield_overlap(load: float) -> float:
    """Return the overlap m with a stored item at which an endless network ends at the load p / n; 0 above the critical.

    The fixed point at temperature 0 without replica symmetry broken (Amit, Gutfreund & Sompolinsky, 1985, 1987):
    m = erf(m / sqrt(2 load r)), r = (1 - c)^-2, c = sqrt(2 / (pi load r)) exp(-m^2 / (2 load r)). With
    y = m / sqrt(2 load r) they are one equation, sqrt(2 load) = erf(y) / y - 2 / sqrt(pi) exp(-y^2), whose largest
    root is taken.

    >>> [round(hopfield_overlap(load), 3) for load in (0.05, 0.1, 0.1379, 0.14)]
    [1.0, 0.998, 0.968, 0.0]
    """
    if load <= 0:
        return 1.0
    low, high = _critical(), 1 / math.sqrt(2 * load) + 1
    if _load(low) < load:
        return 0.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (middle, high) if _load(middle) >= load else (low, middle)
    return math.erf(low)


# ---- networks for sparse items, and modern ones ----------------------------------------------------------------------


def tsodyks_feigelman_capacity(n: int, activity: float) -> float:
    """Return n / (2 f |ln f|), the items that n units hold when the share f is active (Tsodyks & Feigelman, 1988).

    The limit of large n and small f: networks that can be simulated hold less.
    """
    return n / (2 * activity * abs(math.log(activity)))


def modern_hopfield_base(features: int, *, beta: float, radius: float, failure: float) -> float:
    """Return the base c of `modern_hopfield_capacity`: b / W0(exp(a + ln b)), W0 being Lambert's function.

    a = 2 / (d - 1) (1 + ln(2 beta K^2 failure (d - 1))) and b = 2 K^2 beta / 5 (Ramsauer et al., 2021, theorem 3).

    >>> [round(modern_hopfield_base(d, beta=1, radius=k, failure=0.001), 3) for d, k in ((20, 3), (75, 1))]
    [3.155, 1.372]
    """
    from scipy.special import lambertw

    a = 2 / (features - 1) * (1 + math.log(2 * beta * radius**2 * failure * (features - 1)))
    b = 2 * radius**2 * beta / 5
    return float(b / lambertw(math.exp(a + math.log(b))).real)


def modern_hopfield_capacity(features: int, *, beta: float = 1.0, radius: float = 1.0, failure: float = 0.001) -> float:
    """Return the items proven to be stored with the probability 1 - failure: sqrt(failure) c^((d - 1) / 4).

    Ramsauer et al. (2021, theorem 3), of d features and random items on a sphere of the radius K sqrt(d - 1): K is
    about 1 for items of +1 and -1. It is a lower bound, exponential in d. UserError where the theorem says nothing.
    """
    base = modern_hopfield_base(features, beta=beta, radius=radius, failure=failure)
    if base < (2 / math.sqrt(failure)) ** (4 / (features - 1)):
        raise UserError(
            f"The theorem says nothing of {features} features with beta {beta}, radius {radius} and failure {failure}; "
            "take more features or a larger beta."
        )
    return math.sqrt(failure) * math.pow(base, (features - 1) / 4)


# ---- Kanerva's distributed memory ------------------------------------------------------------------------------------


def kanerva_access(n: int, radius: int) -> float:
    """Return the chance that a random address of n bits is within `radius` bits of an item (Kanerva, 1988).

    The binomial tail, the sum of C(n, i) / 2^n up to the radius.

    >>> f"{kanerva_access(1000, 451):.3g}, {kanerva_access(1000, 447):.3g}"
    '0.00107, 0.000445'
    """
    return float(sum(math.comb(n, i) for i in range(radius + 1)) / (1 << n))


def kanerva_radius(n: int, access: float) -> int:
    """Return the smallest radius within which a random address of n bits is with a probability of at least `access`.

    >>> kanerva_radius(1000, 0.001)
    451
    """
    above, below = access.as_integer_ratio()
    wanted, reached, cells = above << n, 0, 1
    for radius in range(n):
        reached += cells
        if reached * below >= wanted:
            return radius
        cells = cells * (n - radius) // (radius + 1)
    return n


# ---- unions of sets --------------------------------------------------------------------------------------------------


def false_match(n: int, active: int, synapses: int, theta: int) -> float:
    """Return the chance that a random set of `active` features shares `theta` or more with a set of `synapses`.

    The sum over b of C(s, b) C(n - s, a - b) / C(n, a) (Ahmad & Hawkins, 2016); with the size of a union as
    `synapses`, the chance for that union.

    >>> f"{false_match(10_000, 300, 24, 12):.6g}"
    '8.37585e-13'
    """
    most = min(synapses, active)
    sets = sum(math.comb(synapses, b) * math.comb(n - synapses, active - b) for b in range(theta, most + 1))
    return float(sets / math.comb(n, active))


def union_density(n: int, k: int, p: int) -> float:
    """Return the expected share of features in the union of p items: 1 - (1 - k / n)^p (Ahmad & Hawkins, 2016)."""
    return -math.expm1(p * math.log1p(-k / n)) if k < n else float(p > 0)


def union_false_match(n: int, k: int, p: int, active: int, theta: int) -> float:
    """Return the chance that a random set of `active` features has `theta` or more in the union of p random items.

    Ahmad & Hawkins (2016) take the features for independent, each in the union with the probability `union_density`;
    exactly, by inclusion and exclusion, the chance of b is C(a, b) times the sum over i of
    (-1)^i C(b, i) (C(n - a + b - i, k) / C(n, k))^p.
    """
    total = 0
    for b in range(theta, active + 1):
        ways = ((-1) ** i * math.comb(b, i) * math.comb(n - active + b - i, k) ** p for i in range(b + 1))
        total += math.comb(active, b) * sum(ways)
    return float(total / math.comb(n, k) ** p)


# ---- bits per weight -------------------------------------------------------------------------------------------------


def entropy(share: float) -> float:
    """Return the bits of a unit that is on with the probability `share`: -q log2 q - (1 - q) log2(1 - q)."""
    return -sum(q * math.log2(q) for q in (share, 1 - share) if q > 0)


def item_bits(n: int, k: int) -> float:
    """Return the bits of an item with k of n features: log2 C(n, k)."""
    return math.log2(math.comb(n, k))


def bits_per_weight(p: float, bits: float, weights: float) -> float:
    """Return the bits stored per weight: p items of so many bits, by the number of weights."""
    return p * bits / weights


def willshaw_bits(n: int, k: int, p: float) -> float:
    """Return p log2 C(n, k) / n^2: towards ln 2 = 0.69 at capacity with k = log2 n (Willshaw et al., 1969).

    Both directions of a pair count as weights, and all of an item as told. What is shown of an item is no news: what is
    completed of items from a part of them comes to (ln 2) / 4 = 0.17 at most (Knoblauch & Sommer, 2020).
    """
    return bits_per_weight(p, item_bits(n, k), n**2)


def hopfield_bits(n: int, p: float, overlap: float = 1.0) -> float:
    """Return p n (1 - H((1 - m) / 2)) / n^2 for half-active items that come back with the overlap m (Hopfield, 1982).

    H is `entropy`: what the wrong units take away (Amit, Gutfreund & Sompolinsky, 1987).
    """
    return bits_per_weight(p, n * (1 - entropy((1 - overlap) / 2)), n**2)


def tsodyks_feigelman_bits(n: int, activity: float, p: float) -> float:
    """Return p n H(f) / n^2: 1 / (2 ln 2) = 0.72 at capacity as f goes to 0 (Tsodyks & Feigelman, 1988)."""
    return bits_per_weight(p, n * entropy(activity), n**2)


def modern_hopfield_bits(n: int, k: int, p: float) -> float:
    """Return p log2 C(n, k) / (n p), 1 at most: every item has its own weights (Ramsauer et al., 2021)."""
    return bits_per_weight(p, item_bits(n, k), n * p)


def kanerva_bits(n: int, k: int, p: float, locations: int) -> float:
    """Return p log2 C(n, k) / (n locations): bits per counter, p / locations for half-active items (Kanerva, 1988)."""
    return bits_per_weight(p, item_bits(n, k), n * locations)


def union_bits(n: int, k: int, p: int) -> float:
    """Return p k log2(1 / d) / n, d^k being the chance that a new item is wholly in the union: bits of recognition.

    Features are taken for independent, d is `union_density`. It is ln 2 = 0.69 at half density, the most, as of the
    filters of Bloom (1970), of small k.
    """
    return bits_per_weight(p, -k * math.log2(union_density(n, k, p)), n)
