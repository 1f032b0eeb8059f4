"""Movie recommendations: what a user watches next, what is like a film, who gets to see new films."""

from __future__ import annotations

from include.use_cases.definition import RecommendationUseCase, Recommender

MOVIES = RecommendationUseCase(
    name="movie_recommendations",
    title="Movie recommendations",
    datasets={"Interactions": "movie_ratings", "Items": "movie_items", "Users": "movie_users"},
    schemas={
        "Interactions": {
            "USER_ID": "string",
            "ITEM_ID": "string",
            "EVENT_VALUE": "float",
            "TIMESTAMP": "long",
            "EVENT_TYPE": "string",
        },
        "Items": {"ITEM_ID": "string", "GENRE": "categorical", "CREATION_TIMESTAMP": "long"},
        "Users": {"USER_ID": "string", "AGE": "int", "GENDER": "categorical", "OCCUPATION": "categorical"},
    },
    recommenders=(
        Recommender("popularity", "aws-popularity-count", ask=""),
        Recommender(
            "user_personalization",
            "aws-user-personalization",
            ask="user",
            # the hold-out holds no new films: exploring them would only blur the comparison
            campaign={"itemExplorationConfig": {"explorationWeight": "0.0"}},
        ),
        Recommender("cold_start", "aws-hrnn-coldstart", ask="cold"),
        Recommender("similar_items", "aws-sims", ask="item"),
        Recommender("ranking", "aws-personalized-ranking", ask="ranking"),
    ),
    event_type="RATING",
    published={
        "popularity": {"mrr_25": 0.0490, "ndcg_10": 0.0583, "precision_10": 0.0161, "coverage": 0.0136},
        "user_personalization": {
            **{"mrr_25": 0.2480, "ndcg_10": 0.2539, "precision_10": 0.0840, "coverage": 0.6336},
        },
        "cold_start": {"mrr_25": 0.0092, "ndcg_10": 0.0099, "precision_10": 0.0018, "coverage": 0.2320},
        "similar_items": {"mrr_25": 0.1781, "ndcg_10": 0.1907, "precision_10": 0.0565, "coverage": 0.7148},
        "ranking": {"mrr_25": 0.1007, "ndcg_10": 0.1251, "precision_10": 0.0286, "coverage": 0.0136},
    },
    published_source="amazon-personalize-samples workshop, offline metrics on MovieLens 1M (HRNN for users)",
    cold_share=0.5,
    holdout_share=0.1,
    tags=("ml", "personalize", "movies", "recommendations"),
)
